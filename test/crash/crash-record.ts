/** A message of the load: which publisher, at which QoS, the how manyeth. */
export type LoadMessage = { readonly publisher: number; readonly qos: 1 | 2; readonly number: number };

type Flow = {
  /** The last that was acknowledged; all before it were too, or are still waited for. */
  readonly acknowledged: Set<number>;
  readonly received: number[];
};

/** What was promised to the clients of a load, and what came of it: kept apart from the hub, and held against it. */
export class CrashRecord {
  readonly #flows = new Map<string, Flow>();
  /** What is wrong, in words. */
  readonly wrong: string[] = [];
  /** Of each retained topic: the last value that was sent, and the last that was acknowledged. */
  readonly retained = new Map<string, { sent: number; acknowledged: number }>();

  acknowledged(message: LoadMessage): void {
    this.#flowOf(message).acknowledged.add(message.number);
  }

  received(message: LoadMessage): void {
    this.#flowOf(message).received.push(message.number);
  }

  sentRetained(topicName: string, value: number): void {
    const known = this.retained.get(topicName);
    if (known === undefined) this.retained.set(topicName, { sent: value, acknowledged: 0 });
    else known.sent = value;
  }

  acknowledgedRetained(topicName: string, value: number): void {
    const known = this.retained.get(topicName)!;
    known.acknowledged = Math.max(known.acknowledged, value);
  }

  /** What a new subscriber was given for a topic; 0 for nothing. */
  foundRetained(topicName: string, value: number): void {
    const { sent, acknowledged } = this.retained.get(topicName)!;
    if (value < acknowledged || value > sent)
      this.wrong.push(`${topicName} retains ${value}; ${acknowledged} was acknowledged, ${sent} sent`);
  }

  get acknowledgedCount(): number {
    return [...this.#flows.values()].reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  }

  /** Whether everything that was acknowledged has come. */
  get isComplete(): boolean {
    return [...this.#flows.values()].every(({ acknowledged, received }) => {
      const came = new Set(received);
      return [...acknowledged].every((number) => came.has(number));
    });
  }

  /** When nothing more comes: what is lost, doubled or out of its order. */
  conclude(): readonly string[] {
    for (const [name, { acknowledged, received }] of this.#flows) {
      const came = new Set(received);
      const lost = [...acknowledged].filter((number) => !came.has(number));
      if (lost.length > 0)
        this.wrong.push(`${name}: ${lost.length} acknowledged messages are lost, first ${lost[0]}`);
      const first = [...came];
      const late = first.findIndex((number, index) => index > 0 && number < first[index - 1]!);
      if (late >= 0) this.wrong.push(`${name}: ${first[late]} came after ${first[late - 1]}`);
      if (name.endsWith('QoS 2') && came.size !== received.length)
        this.wrong.push(`${name}: ${received.length - came.size} messages came twice`);
    }
    return this.wrong;
  }

  #flowOf({ publisher, qos }: LoadMessage): Flow {
    const name = `publisher ${publisher}, QoS ${qos}`;
    const flow = this.#flows.get(name) ?? { acknowledged: new Set<number>(), received: [] };
    this.#flows.set(name, flow);
    return flow;
  }
}
