import { findFreePorts } from '../../test/helpers/hub-process.ts';
import { LOAD_CORE } from '../load-tools.ts';
import { findProgram, startWithFile, type BrokerServer } from './broker-server.ts';

/**
 * Puts stunnel before the TLS port of a broker, on the load's core: who connects to `port` speaks plain MQTT, and the
 * broker TLS. The broker's process stays the one that is watched.
 *
 * @throws {NotInstalledError} when it is not on PATH and `STUNNEL` does not name it
 */
export async function behindStunnel(server: BrokerServer): Promise<BrokerServer> {
  try {
    const stunnel = findProgram('stunnel4', 'STUNNEL');
    const { tcp: port } = await findFreePorts();
    const tunnel = await startWithFile('stunnel', {
      settings: () => [
        'foreground = yes',
        'pid =',
        'debug = err',
        'socket = l:TCP_NODELAY=1',
        'socket = r:TCP_NODELAY=1',
        '[mqtt]',
        'client = yes',
        `accept = 127.0.0.1:${port}`,
        `connect = 127.0.0.1:${server.tlsPort}`,
      ],
      words: (file) => [stunnel, file],
      port,
      core: LOAD_CORE,
    });
    const stop = async (): Promise<void> => {
      await tunnel.stop();
      await server.stop();
    };
    return { ...server, port, stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
