import { RetainedRecord } from './retained-record.ts';

/** What is published, and what is promised of it. */
const KINDS = {
  /** Each that was acknowledged comes to every receiver, in order. */
  load: { isPromised: true, isOrdered: true },
  /** Each that was acknowledged comes to one member of the group. */
  shared: { isPromised: true, isOrdered: false },
  /** A Will whose client never comes back: it comes. */
  will: { isPromised: true, isOrdered: false },
  /** It expires at once, so it need not come; it must not come later. */
  brief: { isPromised: false, isOrdered: true },
  /** A Will whose client always comes back in time: it does not come. */
  never: { isPromised: false, isOrdered: false },
} as const;

export type LoadKind = keyof typeof KINDS;

/** A message of the load: which publisher, at which QoS, the how manyeth. */
export type LoadMessage = {
  readonly kind: LoadKind;
  readonly publisher: number;
  readonly qos: 0 | 1 | 2;
  readonly number: number;
};

/** What one receiver has of one kind, publisher and QoS. */
type Flow = {
  /** Acknowledged to its publisher, and not come yet. */
  readonly missing: Set<number>;
  readonly came: Set<number>;
  last: number;
  /** That came again. */
  again: number;
};

/** What was promised to the clients of a load, and what came of it: kept apart from the hub, and held against it. */
export class CrashRecord {
  /** What is wrong, in words. */
  readonly wrong: string[] = [];
  readonly retained = new RetainedRecord(this.wrong);
  readonly #receivers = new Map<string, readonly LoadKind[]>();
  readonly #flows = new Map<string, Flow>();
  /** When each was acknowledged, by its publisher and number. */
  readonly #acknowledgedAt = new Map<string, number>();
  /** How many promises were made, by what they are about. */
  readonly counts = new Map<string, number>();

  /** From now on it is to get what it is promised. */
  addReceiver(name: string, kinds: readonly LoadKind[]): void {
    this.#receivers.set(name, kinds);
  }

  acknowledged(message: LoadMessage): void {
    const { kind, number, publisher, qos } = message;
    this.count(`${kind} at QoS ${qos}`);
    this.#acknowledgedAt.set(`${kind} ${publisher} ${number}`, performance.now());
    if (!KINDS[kind].isPromised) return;
    for (const [receiver, kinds] of this.#receivers) {
      const flow = this.#flowOf(receiver, message);
      if (kinds.includes(kind) && !flow.came.has(number)) flow.missing.add(number);
    }
  }

  /** Undefined for one that nobody has acknowledged. */
  acknowledgedAt({ kind, publisher, number }: LoadMessage): number | undefined {
    return this.#acknowledgedAt.get(`${kind} ${publisher} ${number}`);
  }

  received(receiver: string, message: LoadMessage): void {
    const { kind, number } = message;
    const flow = this.#flowOf(receiver, message);
    flow.missing.delete(number);
    if (flow.came.has(number)) {
      flow.again++;
      return;
    }
    flow.came.add(number);
    if (KINDS[kind].isOrdered && number < flow.last)
      this.wrong.push(`${nameOf(receiver, message)}: ${number} came after ${flow.last}`);
    flow.last = number;
  }

  /** One more promise was made. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  get promiseCount(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Whether everything that was acknowledged has come. */
  get isComplete(): boolean {
    return [...this.#flows.values()].every(({ missing }) => missing.size === 0);
  }

  /** When nothing more comes: what is lost, and what came twice. */
  conclude(): readonly string[] {
    for (const [name, { missing, again }] of this.#flows) {
      if (missing.size > 0)
        this.wrong.push(`${name}: ${missing.size} that were acknowledged are lost, first ${[...missing][0]}`);
      if (again > 0 && !name.endsWith('QoS 1')) this.wrong.push(`${name}: ${again} came twice`);
      if (name.includes(' never ')) this.wrong.push(`${name}: it came`);
    }
    return this.wrong;
  }

  #flowOf(receiver: string, message: LoadMessage): Flow {
    const name = nameOf(receiver, message);
    const flow = this.#flows.get(name) ?? {
      missing: new Set<number>(),
      came: new Set<number>(),
      last: 0,
      again: 0,
    };
    this.#flows.set(name, flow);
    return flow;
  }
}

function nameOf(receiver: string, { kind, publisher, qos }: LoadMessage): string {
  return `to ${receiver} ${kind} of publisher ${publisher} at QoS ${qos}`;
}
