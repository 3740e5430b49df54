import { setTimeout as sleep } from 'node:timers/promises';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import type { LastingHub } from '../helpers/lasting-hub.ts';
import { randomFrom, type Random } from '../helpers/mqtt-packets.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import { until } from '../helpers/until.ts';
import { CrashRecord } from './crash-record.ts';
import type { LastingClient, Life } from './lasting-client.ts';
import { LoadPublisher } from './load-publisher.ts';
import { LoadSubscriber } from './load-subscriber.ts';
import { SubscriptionChanger } from './subscription-changer.ts';
import { WillKeeper, WillLeavers } from './will-clients.ts';

/** What the publishers speak. */
const VERSIONS: readonly ProtocolVersion[] = [5, 5, 4, 3];
const GROUP_MEMBERS: readonly ProtocolVersion[] = [5, 5, 4];
/** A hub makes so many promises at the most, before it is killed. */
const MOST_PROMISES = 1500;
/** Where it takes longer until all is delivered, something is lost; clients that hear nothing for long fail. */
const QUIET_MS = 30_000;
/** Of each life, the most clients that come with a Will and do not come back. */
const MOST_LEAVERS = 3;

/** All clients of a load. */
class CrashLoad {
  readonly record = new CrashRecord();
  readonly publishers = VERSIONS.map((version, index) => new LoadPublisher(index, version, this.record));
  readonly subscribers: readonly LoadSubscriber[];
  readonly changers: readonly SubscriptionChanger[];
  readonly keeper = new WillKeeper(this.record);
  readonly leavers = new WillLeavers(this.record);
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    this.changers = ([5, 4] as const).map((version) => new SubscriptionChanger(version, this.record, random));
    const everything = { versions: VERSIONS, topicFilters: ['load/#', 'brief/#', 'will/#'] };
    const alone = ([5, 4, 3] as const).map(
      (version) =>
        new LoadSubscriber({ ...everything, clientId: `subscriber-${version}`, version }, this.record),
    );
    for (const { clientId } of alone) this.record.addReceiver(clientId, ['load', 'will']);
    const shared = { versions: VERSIONS, topicFilters: ['$share/group/shared/#'], name: 'the group' };
    const members = GROUP_MEMBERS.map(
      (version, index) =>
        new LoadSubscriber({ ...shared, clientId: `member-${index}`, version }, this.record),
    );
    this.record.addReceiver('the group', ['shared']);
    this.subscribers = [...alone, ...members];
  }

  /** One time in three a subscriber is away, and its messages wait. The first time all must come. */
  choose(isFirst: boolean): LastingClient[] {
    const subscribers = this.subscribers.filter(() => isFirst || this.#random(3) > 0);
    return [...subscribers, this.keeper, ...this.changers, ...this.publishers];
  }

  /** Until it is over: clients come for their Will, and others take their session over from themselves. */
  async meddle(port: number, clients: readonly LastingClient[], isOver: () => boolean): Promise<Life[]> {
    const lives: Life[] = [];
    for (let leavers = 0; !isOver();) {
      const client = clients[this.#random(clients.length)]!;
      try {
        lives.push(await (leavers++ < MOST_LEAVERS ? this.leavers.begin(port) : client.begin(port)));
        if (leavers > MOST_LEAVERS) this.record.count('sessions that were taken over');
      } catch (error) {
        if (!isOver()) this.record.wrong.push(String(error));
      }
      await sleep(this.#random(40));
    }
    return lives;
  }
}

/**
 * Kills a hub under load at random moments, starts it again over the same folder, and holds what comes back against a
 * record of what was acknowledged.
 *
 * @returns what is wrong, and how many promises were made, in all and by what they are about
 */
export async function runCrashes(
  hub: LastingHub,
  {
    kills,
    seed,
    tell,
  }: { readonly kills: number; readonly seed: number; readonly tell: (text: string) => void },
): Promise<{ readonly wrong: readonly string[]; readonly promised: number }> {
  const random = randomFrom(seed);
  const load = new CrashLoad(random);
  const { record, publishers, changers } = load;
  for (let kill = 1; kill <= kills; kill++) {
    const clients = load.choose(kill === 1);
    const lives = await beginAll(hub, clients);
    let isOver = false;
    const meddling = load.meddle(hub.mqttPort, clients, () => isOver);
    const enough = record.promiseCount + random(MOST_PROMISES);
    await until('enough is promised', () => record.promiseCount > enough);
    isOver = true;
    await hub.restart('SIGKILL');
    await Promise.all([...lives, ...(await meddling)].map(({ ended }) => ended));
    tell(`kill ${kill}: ${record.promiseCount} promises, ${record.wrong.length} faults`);
  }
  for (const client of [...publishers, ...changers]) client.isStopping = true;
  const lives = await beginAll(hub, load.choose(true));
  const isQuiet = (): boolean => record.isComplete && publishers.every(({ isIdle }) => isIdle);
  const isDelivered = (): Promise<boolean> =>
    until('all is delivered', isQuiet, QUIET_MS).then(
      () => true,
      () => false,
    );
  if (await isDelivered()) {
    for (const [index, publisher] of publishers.entries())
      publisher.sayLast(lives.at(index - publishers.length)!.client);
    await isDelivered();
  }
  for (const { client } of lives) client.destroy();
  await load.leavers.checkSessions(hub.mqttPort);
  for (const changer of changers) await changer.check(hub.mqttPort);
  await readRetained(hub, record);
  const wrong = record.conclude();
  for (const [what, count] of record.counts) tell(`${what}: ${count}`);
  return { wrong, promised: record.promiseCount };
}

/** In their order: subscribers are there before anybody publishes. */
async function beginAll(hub: LastingHub, clients: readonly LastingClient[]): Promise<Life[]> {
  const lives: Life[] = [];
  for (const client of clients) lives.push(await client.begin(hub.mqttPort));
  return lives;
}

async function readRetained(hub: LastingHub, record: CrashRecord): Promise<void> {
  const client = new TcpWireClient(hub.mqttPort);
  await client.connect('reader', { cleanStart: true, properties: {} });
  for (const topicName of record.retained.topicNames) {
    await client.subscribe(topicName, 0);
    client.send({ type: 'pingreq' });
    let value: number | undefined;
    for (let packet = await client.next(); packet?.type !== 'pingresp'; packet = await client.next()) {
      if (packet === undefined) break;
      if (packet.type === 'publish') value = Number(Buffer.from(packet.payload).toString());
    }
    record.retained.found(topicName, value);
  }
  client.destroy();
}
