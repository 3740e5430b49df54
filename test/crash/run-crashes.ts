import { setTimeout as sleep } from 'node:timers/promises';
import type { LastingHub } from '../helpers/lasting-hub.ts';
import { randomFrom } from '../helpers/mqtt-packets.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';
import { LoadPublisher, LoadSubscriber } from './crash-clients.ts';
import { CrashRecord } from './crash-record.ts';

const PUBLISHERS = 3;
/** A hub lives so long under load at the most, before it is killed. */
const MAX_LIFE_MS = 400;

/**
 * Kills a hub under load at random moments, starts it again over the same folder, and holds what comes back against a
 * record of what was acknowledged.
 *
 * @returns what is wrong, and how many messages were acknowledged
 */
export async function runCrashes(
  hub: LastingHub,
  {
    kills,
    seed,
    tell,
  }: { readonly kills: number; readonly seed: number; readonly tell: (text: string) => void },
): Promise<{ readonly wrong: readonly string[]; readonly acknowledged: number }> {
  const random = randomFrom(seed);
  const record = new CrashRecord();
  const publishers = Array.from({ length: PUBLISHERS }, (_, index) => new LoadPublisher(index, record));
  const subscriber = new LoadSubscriber(record);
  for (let kill = 1; kill <= kills; kill++) {
    // One time in three the subscriber is away, and its messages wait. The first time it must come.
    const isThere = kill === 1 || random(3) > 0;
    const clients = [...(isThere ? [subscriber] : []), ...publishers];
    const lives = await beginAll(hub, clients);
    await sleep(random(MAX_LIFE_MS));
    await hub.restart('SIGKILL');
    await Promise.all(lives.map(({ ended }) => ended));
    tell(`kill ${kill}: ${record.acknowledgedCount} messages acknowledged, ${record.wrong.length} faults`);
  }
  for (const publisher of publishers) publisher.isStopping = true;
  const lives = await beginAll(hub, [subscriber, ...publishers]);
  await until('all is delivered', () => record.isComplete && publishers.every(({ isIdle }) => isIdle)).catch(
    () => {},
  );
  for (const { client } of lives) client.destroy();
  await readRetained(hub, record);
  return { wrong: record.conclude(), acknowledged: record.acknowledgedCount };
}

type Life = Awaited<ReturnType<LoadSubscriber['begin']>>;

/** In their order: the subscriber is there before anybody publishes. */
async function beginAll(
  hub: LastingHub,
  clients: readonly { begin(port: number): Promise<Life> }[],
): Promise<Life[]> {
  const lives: Life[] = [];
  for (const client of clients) lives.push(await client.begin(hub.mqttPort));
  return lives;
}

async function readRetained(hub: LastingHub, record: CrashRecord): Promise<void> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('reader', { cleanStart: true, properties: {} });
  for (const topicName of record.retained.keys()) {
    await client.subscribe(topicName, 0);
    client.send({ type: 'pingreq' });
    let value = 0;
    for (let packet = await client.next(); packet?.type !== 'pingresp'; packet = await client.next()) {
      if (packet === undefined) break;
      if (packet.type === 'publish') value = Number(Buffer.from(packet.payload).toString());
    }
    record.foundRetained(topicName, value);
  }
  client.destroy();
}
