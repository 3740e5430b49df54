import { ConnectGate, type DeviceState } from '../device/index.ts';
import { createSimulator, type SimulatorChoice } from './create-simulator.ts';
import { ReportSchedule } from './report-schedule.ts';
import { randomId, type Simulator } from './simulator.ts';

/** How many devices of a fleet connect at once: well below what listeners hold for programs that are slow to accept. */
const MAX_CONNECTING = 64;

type FleetOptions = Omit<SimulatorChoice, 'schedule'> & { readonly count: number };

/** How many of a fleet are in each state. */
type FleetSummary = Readonly<Record<DeviceState['status'], number>> & {
  readonly count: number;
  /** Why the last device that is not online is not; empty when all are. */
  readonly lastTrouble: string;
};

/** Many virtual devices in one process, with one timer for all their reports. */
export class Fleet {
  readonly #members: readonly Simulator[];
  readonly #schedule = new ReportSchedule();
  readonly #states: DeviceState['status'][];
  readonly #counts: Record<DeviceState['status'], number>;
  readonly #watchers = new Set<() => void>();
  #lastTrouble = '';

  constructor({ count, ...choice }: FleetOptions) {
    const id = choice.id ?? randomId(choice.kind, choice.random);
    const gate = choice.gate ?? new ConnectGate(MAX_CONNECTING);
    this.#counts = { offline: count, connecting: 0, waiting: 0, online: 0 };
    this.#states = Array.from({ length: count }, () => 'offline');
    this.#members = Array.from({ length: count }, (_, index) => {
      const own = { id: `${id}-${index + 1}`, gate, schedule: this.#schedule };
      const member = createSimulator({ ...choice, ...own });
      member.watch(() => this.#look(index, member.state));
      return member;
    });
  }

  get summary(): FleetSummary {
    const count = this.#members.length;
    return { ...this.#counts, count, lastTrouble: this.#counts.online === count ? '' : this.#lastTrouble };
  }

  /** Connects all: a few at a time, so that the hub's queue of new connections does not overflow. */
  connect(): void {
    for (const member of this.#members) member.connect();
  }

  async disconnect(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.disconnect()));
    this.#schedule.stop();
  }

  /** Calls after each change of the summary, until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #look(index: number, { status, message }: Pick<DeviceState, 'status' | 'message'>): void {
    const before = this.#states[index];
    if (before === undefined || before === status) return;
    this.#states[index] = status;
    this.#counts[before]--;
    this.#counts[status]++;
    if (status === 'waiting') this.#lastTrouble = message;
    for (const watcher of this.#watchers) watcher();
  }
}
