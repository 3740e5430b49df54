type Topic = {
  /** What was sent, in order: a number, or nothing, which takes back what is retained. */
  readonly sent: (number | undefined)[];
  /** How many of them were acknowledged. */
  acknowledged: number;
};

/** What topics must retain: what was acknowledged last, or something that was sent since. */
export class RetainedRecord {
  readonly #wrong: string[];
  readonly #topics = new Map<string, Topic>();

  constructor(wrong: string[]) {
    this.#wrong = wrong;
  }

  get topicNames(): Iterable<string> {
    return this.#topics.keys();
  }

  /** @returns to be called when it was acknowledged */
  sent(topicName: string, value: number | undefined): () => void {
    const topic = this.#topics.get(topicName) ?? { sent: [], acknowledged: 0 };
    this.#topics.set(topicName, topic);
    const count = topic.sent.push(value);
    return () => (topic.acknowledged = Math.max(topic.acknowledged, count));
  }

  /** What a new subscriber was given for a topic. */
  found(topicName: string, value: number | undefined): void {
    const { sent, acknowledged } = this.#topics.get(topicName)!;
    const possible = acknowledged === 0 ? [undefined, ...sent] : sent.slice(acknowledged - 1);
    if (!possible.includes(value))
      this.#wrong.push(`${topicName} retains ${value}, and not ${possible.slice(0, 5).join(' or ')}`);
  }
}
