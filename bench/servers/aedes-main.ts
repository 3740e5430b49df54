import { createServer, type AddressInfo } from 'node:net';
import { Aedes } from 'aedes';

/* Aedes as its README starts it, without TLS, in memory. Prints where it listens. */

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, broker.handle);
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`),
);
