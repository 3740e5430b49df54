import { parseArgs } from 'node:util';
import { Broker, createAccessControl, listenTcp, type BrokerOptions } from '../src/mqtt/index.ts';

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
async function brokerOptions(): Promise<BrokerOptions> {
  const { acl: aclFile, 'password-file': passwordFile } = values;
  if (aclFile === undefined && passwordFile === undefined) return {};
  const access = await createAccessControl({
    ...(aclFile === undefined ? {} : { aclFile }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
  });
  return { hooks: [access.hooks] };
}

const broker = new Broker(await brokerOptions());
await broker.start();
const listener = await listenTcp(broker, { port: Number(values.port), host: '127.0.0.1' });
process.stdout.write(`listening ${listener.port}\n`);
