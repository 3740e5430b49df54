import { findFreePorts } from '../../test/helpers/hub-process.ts';
import { findProgram, startWithFile, type BrokerNeeds, type BrokerServer } from './broker-server.ts';
import { writeIdentity } from './identity.ts';

/* One thread, as every broker here has one core; and without the limits that would drop messages or hold them back. */
const settingsIn = (folder: string): readonly string[] => [
  'thread_count 1',
  'allow_anonymous true',
  'log_level error',
  `log_file ${folder}/log`,
  'rlimit_nofile 20000',
  'max_qos_msg_pending_per_client 65535',
  'max_qos_bytes_pending_per_client 1073741824',
  'client_max_write_buffer_size 67108864',
];

function listener(port: number, protocol: string, rest: readonly string[] = []): readonly string[] {
  const own = [`port ${port}`, `protocol ${protocol}`, 'inet_protocol ip4', 'tcp_nodelay true', ...rest];
  return ['listen {', ...own.map((line) => `  ${line}`), '}'];
}

/**
 * Starts FlashMQ in memory, with one thread.
 *
 * @throws {NotInstalledError} when it is not on PATH and `FLASHMQ` does not name it
 */
export async function startFlashMq({ withTls, withWebSocket }: BrokerNeeds = {}): Promise<BrokerServer> {
  const flashmq = findProgram('flashmq', 'FLASHMQ');
  const { tcp: port, http: tlsPort } = await findFreePorts();
  const { tcp: webSocketPort } = await findFreePorts();
  const identity = withTls === true ? await writeIdentity() : undefined;
  const tls = identity && [`fullchain ${identity.certFile}`, `privkey ${identity.keyFile}`];
  const { program, stop } = await startWithFile('flashmq', {
    settings: (folder) => [
      ...settingsIn(folder),
      ...listener(port, 'mqtt'),
      ...(withWebSocket === true ? listener(webSocketPort, 'websockets') : []),
      ...(tls === undefined ? [] : listener(tlsPort, 'mqtt', tls)),
    ],
    words: (file) => [flashmq, '-c', file],
    port,
  });
  return {
    program,
    port,
    tlsPort,
    webSocket: { port: webSocketPort, path: '/mqtt' },
    stop: async () => {
      await stop();
      await identity?.remove();
    },
  };
}
