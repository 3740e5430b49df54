import { parseArgs } from 'node:util';
import { Broker, listenTcp } from '../src/mqtt/index.ts';

/*
 * Recado's MQTT broker alone, without the hub around it: what it costs in itself, as the brokers it is held against.
 * Prints where it listens. `--acl FILE` and `--password-file FILE` start it with access control.
 */

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    acl: { type: 'string' },
    'password-file': { type: 'string' },
  },
});

/** What the broker is made with: the one place where access control joins it. */
function brokerOptions(): ConstructorParameters<typeof Broker>[0] {
  if (values.acl !== undefined || values['password-file'] !== undefined)
    throw new Error('this broker has no access control: --acl and --password-file cannot be used');
  return {};
}

const broker = new Broker(brokerOptions());
await broker.start();
const listener = await listenTcp(broker, { port: Number(values.port), host: '127.0.0.1' });
process.stdout.write(`listening ${listener.port}\n`);
