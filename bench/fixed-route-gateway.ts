import { startBridgeServer } from '../src/api/start-bridge-server.ts';
import { silentLogger } from '../src/base/logger.ts';
import { embedBus } from '../src/bus/embedded-bus.ts';
import { BRIDGE_SERVER_CONFIG } from '../src/bridge/server-config.ts';
import { loadConfigOrThrow } from '../src/config/load-config.ts';
import { Broker, listenTcp } from '../src/mqtt/index.ts';

/* A gateway and the broker in one process. The argument is its configuration; prints the ports of both. */

const broker = new Broker();
await broker.start();
const listener = await listenTcp(broker, { port: 0, host: '127.0.0.1' });
const sources = { file: process.argv[2] ?? '', folder: process.cwd(), environment: {} };
const config = loadConfigOrThrow(BRIDGE_SERVER_CONFIG, sources, 'the gateway');
const gateway = await startBridgeServer(config, { bus: embedBus(broker), log: silentLogger });
process.stdout.write(`ports ${new URL(gateway.url).port} ${listener.port}\n`);
process.stdin.resume().once('end', () => process.exit(0));
