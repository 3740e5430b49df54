import { BrokerProgram, missingPrograms } from './broker-program.ts';

/** Why tests with NATS cannot run here; false when they can. Meant for `skip`. */
export function whyNoNats(): string | false {
  return (
    missingPrograms('nats-server').length > 0 && 'nats-server not installed (Debian package nats-server)'
  );
}

/** A nats-server of its own that speaks MQTT 3.1.1. */
export class Nats extends BrokerProgram {
  constructor() {
    super('nats-server');
  }

  /** Sessions of MQTT are kept by JetStream; what was not acknowledged comes again after `ack_wait`. */
  protected configurationOf(port: number): string {
    return (
      `server_name: test\nlisten: "127.0.0.1:-1"\njetstream { store_dir: "${this.folder}/js" }\n` +
      `mqtt { listen: "127.0.0.1:${port}", ack_wait: "1s" }\n`
    );
  }
}
