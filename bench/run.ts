import { parseArgs } from 'node:util';
import { benchBulk } from './bulk.ts';
import { benchCommands } from './command-round-trip.ts';
import { benchDatagrams } from './datagrams.ts';
import { benchEventLoop } from './event-loop.ts';
import { benchConsole } from './console.ts';
import { benchEventStreams } from './event-streams.ts';
import { benchFeed } from './feed.ts';
import { benchFixedRoute } from './fixed-route.ts';
import { benchFleet } from './fleet.ts';
import { benchHistory } from './history.ts';
import { benchHistoryLoad } from './history-load.ts';
import { benchMqttBrokers } from './mqtt-brokers.ts';
import { benchMqttDurable } from './mqtt-durable.ts';
import { benchMqttNagle } from './mqtt-nagle.ts';
import { benchMqttOpenLoop } from './mqtt-open-loop.ts';
import { benchMqttTls, benchMqttWebSocket } from './mqtt-transports.ts';
import { benchHubMemory } from './hub-memory.ts';
import { benchMqttChurn } from './mqtt-churn.ts';
import { benchMqttDevices } from './mqtt-devices.ts';
import { benchMqttClient } from './mqtt-client.ts';
import { benchMqttCodec } from './mqtt-codec.ts';
import { benchMqttIdle } from './mqtt-idle.ts';
import { benchMqttMatch } from './mqtt-match.ts';
import { benchServiceTunnels } from './service-tunnels.ts';
import { benchServices, benchServicesChaos } from './services.ts';
import { areBarsMet, barsTable, type Bar, type BenchResult } from './bars.ts';
import { compileTools, SERVER_CORE } from './load-tools.ts';
import { recordFigures } from './recorded-figures.ts';

const USAGE = `npm run bench [-- NAME…] [-- --rounds N] [-- --seconds N] [-- --record]

  mqtt        fifteen rows of messages, against FlashMQ, Mosquitto and Aedes  (3 rounds)
  mqtt-tls    the same over TLS, against FlashMQ and Mosquitto                (3 rounds)
  mqtt-ws     the same over WebSocket                                         (3 rounds)
  mqtt-durable  QoS 1 to sessions that last, against the same in memory and Mosquitto (3 rounds)
  mqtt-nagle  a client that leaves Nagle's algorithm on                       (3 rounds)
  mqtt-open-loop  the tail at 80 % of the highest rate                        (3 runs of 30 s each)
  mqtt-idle   9,000 idle clients: memory and CPU of each                      (3 rounds)
  mqtt-codec  what one MQTT packet costs to cut, read and write
  mqtt-match  what finding the subscribers of a topic costs, from 100 to 100,000 subscriptions
  mqtt-churn  publishing while another client subscribes and unsubscribes     (3 rounds)
  mqtt-client  the client of recado/mqtt, against MQTT.js                     (3 rounds)
  hub-memory  a packaged hub, idle and after the fifteen rows                 (two minutes)
  event-loop  how long one peer keeps everybody waiting, with each kind of flood (3 s each)
  commands    HTTP call → TCP device → answer, against a bare Fastify route   (3 rounds of 4 s each)
  mqtt-devices  the same to devices over MQTT, also by a Mosquitto; and 10,000 of them (3 rounds of 4 s each)
  datagrams   100,000 readings a second, against a bare Node UDP socket       (10 s)
  feed        what it costs that 100,000 readings a second go through the feed (3 rounds of 2 s each)
  event-streams  1,000 readers of ten devices each and 20 of all, at 10,000 readings a second (10 s)
  console     10,000 devices in a browser: scrolling, filtering, 100,000 events (a minute)
  fleet       5,000 idle devices                                              (60 s; --seconds 600 for the bar)
  history     ten million readings: how fast they are stored, how large, how soon read
  history-load  commands beside 50,000 readings a second that are stored       (3 rounds of 4 s each)
  fixed-route HTTP → gateway → MQTT → agent → service, against a reverse proxy (3 rounds of 4 s each)
  services    1 GiB each way through an HTTP service behind an agent          (3 rounds)
  service-tunnels  the same and small answers, against two Node proxies and ssh -R (3 rounds of 4 s each)
  services-chaos  10,000 requests while its agents are killed

Without a name all of them run; at the end one table tells each bar. Exit code 1 says that one was missed.
--record also writes the bars to bench/figures.md, which the documents refer to.
`;

type Options = { readonly rounds: number; readonly seconds: number | undefined };

const BENCHES: Readonly<Record<string, (options: Options) => Promise<readonly Bar[]>>> = {
  mqtt: ({ rounds }) => benchMqttBrokers({ rounds }),
  'mqtt-tls': ({ rounds }) => benchMqttTls({ rounds }),
  'mqtt-ws': ({ rounds }) => benchMqttWebSocket({ rounds }),
  'mqtt-durable': ({ rounds }) => benchMqttDurable({ rounds }),
  'mqtt-nagle': ({ rounds }) => benchMqttNagle({ rounds }),
  'mqtt-open-loop': ({ rounds, seconds }) => benchMqttOpenLoop({ rounds, seconds: seconds ?? 30 }),
  'mqtt-idle': ({ rounds }) => benchMqttIdle({ rounds }),
  'mqtt-codec': async ({ rounds }) => benchMqttCodec({ rounds, roundMs: 300 }),
  'mqtt-match': async ({ rounds }) => benchMqttMatch({ rounds }),
  'mqtt-churn': ({ rounds }) => benchMqttChurn({ rounds }),
  'mqtt-client': ({ rounds }) => benchMqttClient({ rounds }),
  'hub-memory': () => benchHubMemory(),
  'event-loop': ({ seconds }) => benchEventLoop({ seconds: seconds ?? 3 }),
  commands: ({ rounds, seconds }) => benchCommands({ rounds, seconds: seconds ?? 4 }),
  'mqtt-devices': ({ rounds, seconds }) => benchMqttDevices({ rounds, seconds: seconds ?? 4 }),
  datagrams: ({ seconds }) => benchDatagrams({ seconds: seconds ?? 10 }),
  feed: ({ rounds, seconds }) => benchFeed({ rounds, seconds: seconds ?? 2 }),
  'event-streams': ({ seconds }) => benchEventStreams({ seconds: seconds ?? 10 }),
  console: () => benchConsole(),
  bulk: () => benchBulk(),
  fleet: ({ seconds }) => benchFleet({ seconds: seconds ?? 60 }),
  history: () => benchHistory(),
  'history-load': ({ rounds, seconds }) => benchHistoryLoad({ rounds, seconds: seconds ?? 4 }),
  'fixed-route': ({ rounds, seconds }) => benchFixedRoute({ rounds, seconds: seconds ?? 4 }),
  services: ({ rounds }) => benchServices({ rounds }),
  'service-tunnels': ({ rounds, seconds }) => benchServiceTunnels({ rounds, seconds: seconds ?? 4 }),
  'services-chaos': () => benchServicesChaos(),
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const rounds = Number(values.rounds ?? 3);
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  const unknown = positionals.find((name) => BENCHES[name] === undefined);
  const isGood = Number.isInteger(rounds) && rounds > 0 && (seconds === undefined || seconds > 0);
  if (values.help === true || unknown !== undefined || !isGood) {
    process.stdout.write(unknown === undefined ? USAGE : `There is no benchmark ${unknown}.\n\n${USAGE}`);
    return values.help === true ? 0 : 2;
  }
  await compileTools();
  if (SERVER_CORE.length === 0)
    process.stdout.write('Without taskset or a second core, server and load share one: take care.\n');
  const results: BenchResult[] = [];
  for (const bench of positionals.length > 0 ? positionals : Object.keys(BENCHES))
    results.push({ bench, bars: (await BENCHES[bench]?.({ rounds, seconds }).catch(tellFailure)) ?? [] });
  process.stdout.write(`\n${barsTable(results)}\n`);
  if (values.record) recordFigures(results, Object.keys(BENCHES));
  return areBarsMet(results) ? 0 : 1;
}

/** One benchmark that breaks off is a bar that is missed; the others go on. */
function tellFailure(error: unknown): readonly Bar[] {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  const measured = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return [{ figure: 'the whole of it', met: false, measured, wanted: 'no failure' }];
}

process.exitCode = await main();
