import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Ledger } from '../src/base/ledger.ts';
import { RetainedMessages } from '../src/mqtt/topics/retained-messages.ts';
import type { SubscriptionOptions } from '../src/mqtt/topics/subscription-match.ts';
import { SubscriptionTree } from '../src/mqtt/topics/subscription-tree.ts';
import { TopicTable } from '../src/mqtt/topics/topic-table.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const POPULATIONS = [100, 10_000, 100_000] as const;
const SUBSCRIPTIONS_PER_CLIENT = 10;
const HOT_TOPICS = 64;
const MANY_TOPICS = 10_000;
const MATCHES_A_ROUND = 128_000;

const RETAINED = 1_000_000;
const CHUNK = 1000;

const MAX_RATIO = 1.3;
const MAX_HIT_NS = 30;
const MAX_STALL_MS = 50;

const OPTIONS: SubscriptionOptions = {
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionIdentifier: 0,
};

type Client = { readonly name: string };
type Shape = { readonly name: string; readonly topic: (device: number) => string };

const SHAPES: readonly Shape[] = [
  { name: '3 levels', topic: (device) => `site/device${device}/temperature` },
  {
    name: '10 levels',
    topic: (device) => `acme/br/sp/plant/hall/line/cell/device${device}/motor/temperature`,
  },
];

/**
 * Of each ten: five exact, three with `+`, two with `#`. All lie beside the topics that are matched, under the same
 * first levels; which of them match a hot topic does not depend on how many there are.
 */
function filterOf(index: number): string {
  const device = Math.floor(index / 10) + MANY_TOPICS;
  const kind = index % 10;
  const [first, last] = [index % 2 === 0 ? 'site' : 'acme/br/sp/plant/hall/line/cell', `sensor${kind}`];
  if (kind < 5) return `${first}/device${device}/${last}`;
  if (kind === 5) return `${first}/device${device}/+/${last}`;
  if (kind === 6) return `+/device${device}/${last}`;
  if (kind === 7) return `acme/+/sp/+/hall/+/cell/device${device}/${last}`;
  return kind === 8 ? `${first}/device${device}/#` : `${first}/+/${last}-${device}/#`;
}

/** The matching ones, in each population the same: for each shape one `+`, one `#`, and an exact one a hot topic. */
function addMatching(tree: SubscriptionTree<Client>): void {
  const client: Client = { name: 'watcher' };
  const filters = ['site/+/temperature', 'site/#', 'acme/br/+/plant/hall/line/cell/#', '+/br/#'];
  for (let device = 0; device < HOT_TOPICS / 4; device++)
    filters.push(...SHAPES.map(({ topic }) => topic(device)));
  for (const [index, topicFilter] of filters.entries())
    tree.add(
      index % 2 === 0 ? client : { name: topicFilter },
      { shareName: undefined, topicFilter },
      OPTIONS,
    );
}

function makeTree(population: number): SubscriptionTree<Client> {
  const tree = new SubscriptionTree<Client>();
  addMatching(tree);
  let client: Client = { name: '' };
  for (let index = 0; tree.size < population; index++) {
    if (index % SUBSCRIPTIONS_PER_CLIENT === 0) client = { name: `client${index}` };
    tree.add(client, { shareName: undefined, topicFilter: filterOf(index) }, OPTIONS);
  }
  return tree;
}

const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function usedBytes(): number {
  // Twice: what the first one freed outside the heap is counted off by the second.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function nanosecondsEach(count: number, work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / count;
}

function measureWalk(tree: SubscriptionTree<Client>, topics: readonly string[]): number {
  return nanosecondsEach(MATCHES_A_ROUND, () => {
    for (let done = 0; done < MATCHES_A_ROUND;) {
      for (let index = 0; index < topics.length && done < MATCHES_A_ROUND; index++, done++)
        tree.match(topics[index] ?? '');
    }
  });
}

/** Topics as they lie in a chunk that was received, one behind the other. */
function layOut(topics: readonly string[]): { chunk: Buffer; starts: Int32Array } {
  const starts = new Int32Array(topics.length + 1);
  const chunk = Buffer.from(topics.join(''));
  for (const [index, topic] of topics.entries())
    starts[index + 1] = (starts[index] ?? 0) + Buffer.byteLength(topic);
  return { chunk, starts };
}

function measureCached(table: TopicTable<Client>, topics: readonly string[]): number {
  const { chunk, starts } = layOut(topics);
  let found = 0;
  const each = nanosecondsEach(MATCHES_A_ROUND * 4, () => {
    for (let done = 0; done < MATCHES_A_ROUND * 4; done += topics.length) {
      for (let index = 0; index < topics.length; index++) {
        const entry = table.resolve(chunk, starts[index] ?? 0, starts[index + 1] ?? 0);
        found += table.matches(entry).subscribers.length;
      }
    }
  });
  if (found < 0) throw new Error('never: this only keeps the loop');
  return each;
}

type Walk = { readonly tree: SubscriptionTree<Client>; readonly table: TopicTable<Client> };
type Row = readonly (string | number)[];

/** Rounds go through all populations in turn, so that a busy moment of the machine meets each of them. */
function measureShape(walks: readonly Walk[], shape: Shape, rounds: number): Row[] {
  const hot = Array.from({ length: HOT_TOPICS }, (_, device) => shape.topic(device));
  const many = Array.from({ length: MANY_TOPICS }, (_, device) => shape.topic(device));
  const times = walks.map(() => ({ hot: [] as number[], many: [] as number[], cached: [] as number[] }));
  for (let round = -1; round < rounds; round++) {
    for (const [index, { tree, table }] of walks.entries()) {
      const measured = {
        hot: measureWalk(tree, hot),
        many: measureWalk(tree, many),
        cached: measureCached(table, hot),
      };
      if (round < 0) continue; // the first one warms up
      times[index]?.hot.push(measured.hot);
      times[index]?.many.push(measured.many);
      times[index]?.cached.push(measured.cached);
    }
  }
  return walks.map(({ tree }, index) => {
    const { hot, many, cached } = times[index] ?? { hot: [], many: [], cached: [] };
    return [shape.name, tree.size, median(hot), median(many), median(cached)];
  });
}

function benchMatch(rounds: number): readonly Bar[] {
  const walks = POPULATIONS.map((population): Walk => {
    const tree = makeTree(population);
    const party = new Ledger().open('');
    const options = { maxTopicLevels: 128, maxTopics: MANY_TOPICS, maxMatches: 1_000_000, party };
    return { tree, table: new TopicTable({ subscriptions: tree, ...options }) };
  });
  const rows = SHAPES.flatMap((shape) => measureShape(walks, shape, rounds));
  const columns = ['topic', 'subscriptions', 'walk ns', 'walk ns, 10,000 topics', 'cached ns'];
  printTable('Who gets a topic', columns, rows);
  const twenty = Array.from({ length: HOT_TOPICS }, (_, index) => `site/line${index + 10}/speed/mm`);
  const [first] = walks;
  const hits = Array.from({ length: rounds + 1 }, () =>
    first === undefined ? 0 : measureCached(first.table, twenty),
  );
  const hit = median(hits.slice(1));
  const ratios = SHAPES.map(({ name }) => {
    const of = rows.filter((row) => row[0] === name).map((row) => Number(row[2]));
    const ratio = (of.at(-1) ?? 0) / (of[0] ?? 1);
    return {
      figure: `100,000 subscriptions against 100, ${name}`,
      met: ratio <= MAX_RATIO,
      measured: `${ratio.toFixed(2)} ×`,
      wanted: `${MAX_RATIO} ×`,
    };
  });
  return [
    ...ratios,
    {
      figure: `cached, ${twenty[0]?.length} bytes`,
      met: hit < MAX_HIT_NS,
      measured: `${hit.toFixed(1)} ns`,
      wanted: `< ${MAX_HIT_NS} ns`,
    },
  ];
}

function benchSubscriptions(): void {
  const rows: Row[] = POPULATIONS.slice(1).map((population) => {
    const filters = Array.from({ length: population }, (_, index) => filterOf(index));
    const clients = Array.from({ length: population / SUBSCRIPTIONS_PER_CLIENT }, (_, index) => ({
      name: `client${index}`,
    }));
    const before = usedBytes();
    const tree = new SubscriptionTree<Client>();
    const add = nanosecondsEach(population, () => {
      for (const [index, topicFilter] of filters.entries()) {
        const client = clients[Math.floor(index / SUBSCRIPTIONS_PER_CLIENT)] ?? { name: '' };
        tree.add(client, { shareName: undefined, topicFilter }, OPTIONS);
      }
    });
    const bytes = (usedBytes() - before) / population;
    const nodes = tree.nodeCount / population;
    const remove = nanosecondsEach(population, () => {
      for (const client of clients) tree.removeSubscriber(client);
    });
    return [population, bytes, nodes, add, remove, tree.nodeCount];
  });
  printTable(
    'Subscriptions, ten for each client, each with a filter of its own',
    ['subscriptions', 'bytes each', 'nodes each', 'add ns', 'remove ns', 'nodes left'],
    rows,
  );
}

/** Made when needed: a million strings that wait in an array cost the collector more than what is measured. */
function retainedTopic(index: number): string {
  const device = Math.floor(index / 10);
  return `site${Math.floor(device / 1000)}/device${device}/sensor${index % 10}`;
}

type RetainedFigures = { readonly row: Row; readonly given: number; readonly worstMs: number };

function measureRetained(name: string, makeMessage: (topicName: string) => object): RetainedFigures {
  const before = usedBytes();
  const retained = new RetainedMessages<object>({
    maxRetainedMessages: RETAINED,
    maxRetainedBytes: Number.MAX_SAFE_INTEGER,
    nowMs: () => 0,
  });
  let setStallMs = 0;
  const load = nanosecondsEach(RETAINED, () => {
    for (let index = 0; index < RETAINED; index++) {
      const topicName = retainedTopic(index);
      const message = makeMessage(topicName);
      const start = performance.now();
      retained.set(topicName, { message, sizeBytes: 64, expiresAtMs: undefined });
      setStallMs = Math.max(setStallMs, performance.now() - start);
    }
  });
  const bytes = (usedBytes() - before) / RETAINED;
  let chunkStallMs = 0;
  let given = 0;
  const matches = retained.match('#');
  const walk = nanosecondsEach(RETAINED, () => {
    while (!matches.isDone) {
      const start = performance.now();
      given += matches.next(CHUNK).length;
      chunkStallMs = Math.max(chunkStallMs, performance.now() - start);
    }
  });
  const row = [name, given, bytes, 1e9 / load, setStallMs, 1e9 / walk, chunkStallMs];
  return { row, given, worstMs: Math.max(setStallMs, chunkStallMs) };
}

function benchRetained(): readonly Bar[] {
  const shared = { payload: 'one for all' };
  const bare = measureRetained('the table itself', () => shared);
  const whole = measureRetained('with topic and 16 bytes each', (topicName) => ({
    topicName,
    payload: Buffer.alloc(16),
  }));
  printTable(
    `${RETAINED.toLocaleString('en')} retained topics`,
    ['', 'given', 'bytes each', 'set/s', 'longest set ms', '# topics/s', 'longest chunk ms'],
    [bare.row, whole.row],
  );
  return [
    {
      figure: 'all given',
      met: bare.given === RETAINED,
      measured: String(bare.given),
      wanted: String(RETAINED),
    },
    {
      figure: `longest set, and chunk of ${CHUNK}, of the table itself`,
      met: bare.worstMs < MAX_STALL_MS,
      measured: `${bare.worstMs.toFixed(1)} ms`,
      wanted: `< ${MAX_STALL_MS} ms`,
    },
  ];
}

/** Topic matching and retained messages, in this process: without sockets and without a load beside it. */
export function benchMqttMatch({ rounds }: { rounds: number }): readonly Bar[] {
  benchSubscriptions();
  return [...benchRetained(), ...benchMatch(rounds)];
}
