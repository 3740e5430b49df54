import { Ledger } from '../src/base/ledger.ts';
import type { EventFeed, FeedReader } from '../src/devices/events.ts';
import { Telemetry } from '../src/devices/telemetry.ts';
import { Turn, type TurnWork } from '../src/base/turn.ts';
import { Feed } from '../src/hub/feed.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const PER_SECOND = 100_000;
const DEVICES = 100;
const STEP_MS = 5;
const LIMITS = { maxKeptEvents: 65_536, maxKeptBytes: 16_777_216 };
/** Of one core, more than without a feed. */
const MAX_CPU_IDLE_PERCENT = 5;
const MAX_CPU_READERS_PERCENT = 15;

/** What the same readings cost without the feed. */
const NO_FEED: EventFeed = { last: 0, publish: () => {}, publishReading: () => {}, open: () => undefined };

const CASES = ['no feed', 'no reader', `${DEVICES} readers, each of one device`] as const;
type Case = (typeof CASES)[number];

/** Readings of 100 devices at a steady rate, kept as latest values: without a feed, with it, and with a reader for each. */
export async function benchFeed({
  rounds,
  seconds,
}: {
  rounds: number;
  seconds: number;
}): Promise<readonly Bar[]> {
  const percents = new Map<Case, number[]>(CASES.map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const name of CASES) {
      const percent = await measure(name, seconds);
      // The first round is for the compiler.
      if (round >= 0) percents.get(name)?.push(percent);
    }
  }
  printTable(
    `${PER_SECOND} readings/s of ${DEVICES} devices, kept as latest values`,
    ['', '% of a core (median)', 'of each round'],
    CASES.map((name) => [
      name,
      median(percents.get(name) ?? []),
      (percents.get(name) ?? []).map((each) => each.toFixed(1)).join(' '),
    ]),
  );
  const [without, idle, readers] = CASES;
  const more = (name: Case): number => median(percents.get(name) ?? []) - median(percents.get(without) ?? []);
  return [
    barOf('no reader, more than without a feed', more(idle), MAX_CPU_IDLE_PERCENT),
    barOf(`${readers}, more than without a feed`, more(readers), MAX_CPU_READERS_PERCENT),
  ];
}

function barOf(figure: string, percent: number, most: number): Bar {
  return {
    figure,
    met: percent < most,
    measured: `${percent.toFixed(1)} % of a core`,
    wanted: `under ${most} %`,
  };
}

async function measure(name: Case, seconds: number): Promise<number> {
  const ledger = new Ledger();
  const feed = name === 'no feed' ? NO_FEED : new Feed(LIMITS, ledger);
  const ids = Array.from({ length: DEVICES }, (_, index) => `device-${index}`);
  const party = ledger.open('devices');
  const telemetries = ids.map((deviceId) => new Telemetry(deviceId, party, feed));
  const counter = { read: 0 };
  if (name === CASES[2]) for (const deviceId of ids) followDevice(feed, deviceId, counter);
  let sent = 0;
  const before = process.cpuUsage();
  const startedAt = performance.now();
  for (let elapsed = 0; elapsed < seconds * 1000; elapsed = performance.now() - startedAt) {
    for (const due = Math.floor((elapsed / 1000) * PER_SECOND); sent < due; sent++)
      telemetries[sent % DEVICES]?.observe('temperature', sent / 8, '°C', 1_750_000_000_000 + sent);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  const { user, system } = process.cpuUsage(before);
  const percent = (user + system) / 10 / (performance.now() - startedAt);
  if (name === CASES[2] && counter.read !== sent)
    throw new Error(`of ${sent} readings ${counter.read} were read`);
  return percent;
}

const turn = new Turn();

/** Reads at the end of each turn in which something came, as faces do. */
function followDevice(feed: EventFeed, deviceId: string, counter: { read: number }): void {
  const work: TurnWork = { endTurn: () => drain() };
  const interest = { devices: new Set([deviceId]), kinds: undefined };
  const reader: FeedReader | undefined = feed.open(interest, { wake: () => turn.add(work) });
  const drain = (): void => {
    for (let item = reader?.next(); item !== undefined; item = reader?.next())
      counter.read += item.kind === 'missed' ? 0 : 1;
  };
  drain();
}
