import { findFreePorts } from '../../test/helpers/hub-process.ts';
import { findProgram, startWithFile, type BrokerNeeds, type BrokerServer } from './broker-server.ts';
import { writeIdentity } from './identity.ts';

/*
 * What Mosquitto does otherwise by itself would not be the same work: it would write to disk, drop what waits beyond
 * 1,000 messages, and cut the connection of a publisher with more than 20 messages of QoS 2 in flight.
 */
const SETTINGS = [
  'allow_anonymous true',
  'set_tcp_nodelay true',
  'max_queued_messages 0',
  'max_inflight_messages 0',
  'log_dest stderr',
  'log_type error',
  'log_type warning',
];

/** What it saves, within a second of each change; that second is as soon as it can be told. */
const PERSISTENCE = ['persistence true', 'autosave_interval 1', 'autosave_on_changes true'];

/**
 * Starts Mosquitto in memory, without its limits; as others do, it sends small packets at once.
 *
 * @param options.isPersistent - it saves what it has to its folder instead
 * @throws {NotInstalledError} when it is not on PATH and `MOSQUITTO` does not name it
 */
export async function startMosquitto({
  withTls,
  withWebSocket,
  isPersistent = false,
}: BrokerNeeds & { readonly isPersistent?: boolean } = {}): Promise<BrokerServer> {
  const mosquitto = findProgram('mosquitto', 'MOSQUITTO');
  const { tcp: port, http: tlsPort } = await findFreePorts();
  const { tcp: webSocketPort } = await findFreePorts();
  const identity = withTls === true ? await writeIdentity() : undefined;
  const listeners = [
    `listener ${port} 127.0.0.1`,
    ...(withWebSocket === true ? [`listener ${webSocketPort} 127.0.0.1`, 'protocol websockets'] : []),
    ...(identity === undefined
      ? []
      : [`listener ${tlsPort} 127.0.0.1`, `certfile ${identity.certFile}`, `keyfile ${identity.keyFile}`]),
  ];
  const { program, stop } = await startWithFile('mosquitto', {
    settings: (folder) => [
      ...SETTINGS,
      ...(isPersistent ? [...PERSISTENCE, `persistence_location ${folder}/`] : ['persistence false']),
      // It would give its rights away, and could not write there.
      ...(isPersistent && process.getuid?.() === 0 ? ['user root'] : []),
      ...listeners,
    ],
    words: (file) => [mosquitto, '-c', file],
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
