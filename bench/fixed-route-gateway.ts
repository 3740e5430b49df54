import { startGateway } from '../src/api/start-gateway.ts';
import { silentLogger } from '../src/base/logger.ts';
import { embedBus } from '../src/bus/embedded-bus.ts';
import { loadGatewayConfig } from '../src/hub/fixed-routes/load-fixed-routes.ts';
import { Broker, listenTcp } from '../src/mqtt/index.ts';

/* A gateway and the broker in one process. The argument is its configuration; prints the ports of both. */

const broker = new Broker();
await broker.start();
const listener = await listenTcp(broker, { port: 0, host: '127.0.0.1' });
const reading = loadGatewayConfig({ file: process.argv[2] ?? '', folder: process.cwd(), environment: {} });
if (!reading.ok)
  throw new Error(reading.mistakes.map(({ where, message }) => `${where}: ${message}`).join('\n'));
const gateway = await startGateway(reading.config, { bus: embedBus(broker), log: silentLogger });
process.stdout.write(`ports ${new URL(gateway.url).port} ${listener.port}\n`);
process.stdin.resume().once('end', () => process.exit(0));
