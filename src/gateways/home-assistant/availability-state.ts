import type { AvailabilityPart } from './discovery/component-part.ts';
import type { StateMessage } from './discovery/state-message.ts';

type Verdicts = { readonly said: (boolean | undefined)[]; latest: boolean | undefined };

/** What a device's availability topics have said. */
export class AvailabilityState {
  #parts: ReadonlyMap<string, AvailabilityPart | undefined> = new Map();
  #verdicts = new Map<string, Verdicts>();

  /** Other topics are to be heard; what the same ones have said stays. */
  use(parts: ReadonlyMap<string, AvailabilityPart | undefined>): void {
    const before = this.#verdicts;
    this.#parts = parts;
    this.#verdicts = new Map(
      [...parts].flatMap(([key, part]) =>
        part === undefined
          ? []
          : [[key, before.get(key) ?? { said: part.sources.map(() => undefined), latest: undefined }]],
      ),
    );
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#verdicts.clear();
    this.use(this.#parts);
  }

  topics(): readonly string[] {
    return [...this.#parts.values()].flatMap((part) => part?.sources.map(({ topic }) => topic) ?? []);
  }

  take(topicName: string, message: StateMessage): void {
    for (const [key, part] of this.#parts)
      part?.sources.forEach(({ topic, read }, index) => {
        const verdict = topic === topicName ? read(message) : undefined;
        const verdicts = this.#verdicts.get(key);
        if (verdict === undefined || verdicts === undefined) return;
        verdicts.said[index] = verdict;
        verdicts.latest = verdict;
      });
  }

  /** Whether any component of the device is taken to be there while the broker is. */
  get isPresumed(): boolean {
    return [...this.#parts.values()].includes(undefined);
  }

  /** A device is there when any of its components is; one that has no such topics is there while the broker is. */
  get isAvailable(): boolean {
    return [...this.#parts].some(([key, part]) => part === undefined || this.#isPartAvailable(key, part));
  }

  #isPartAvailable(key: string, { mode }: AvailabilityPart): boolean {
    const verdicts = this.#verdicts.get(key);
    if (verdicts === undefined) return false;
    if (mode === 'all') return verdicts.said.every((said) => said === true);
    return mode === 'any' ? verdicts.said.includes(true) : verdicts.latest === true;
  }
}
