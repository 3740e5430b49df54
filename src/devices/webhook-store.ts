/** Why a delivery failed last. */
export type WebhookFailure = {
  /** Wall time, ms. */
  readonly time: number;
  /** Tries since it went well last. */
  readonly attempts: number;
  /** Of the answer; undefined where none came. */
  readonly status?: number;
  readonly detail: string;
};

/** A program elsewhere that is told by HTTP what happens at devices. */
export type WebhookRecord = {
  readonly id: string;
  readonly url: string;
  readonly title?: string;
  /** Which events, in the words of a stream of events. */
  readonly events: Readonly<Record<string, string>>;
  /** What deliveries are signed with: base64. */
  readonly secret: string;
  /** `dead`: it failed for too long, or its receiver wanted no more; people may revive it. */
  readonly status: 'active' | 'paused' | 'dead';
  /** The id of a principal. */
  readonly createdBy: string;
  readonly createdAt: number;
  readonly deliveredAt?: number;
  /** The event up to which its receiver has all: `run-number`. */
  readonly place?: string;
  readonly failure?: WebhookFailure;
};

/** A record that is put in the place of the one with its id, or the id of one that is taken out. */
export type WebhookChange = { readonly put: WebhookRecord } | { readonly remove: string };

/** What webhooks are kept by. Whoever makes one has it run `test/contract/webhook-store.ts`. */
export type WebhookStore = {
  load(): Promise<readonly WebhookRecord[]>;
  /** It lasts when this resolves; what was asked for later is written later. */
  write(change: WebhookChange): Promise<void>;
};

/** Webhooks that last as long as the process. */
export class MemoryWebhookStore implements WebhookStore {
  readonly #records = new Map<string, WebhookRecord>();

  async load(): Promise<readonly WebhookRecord[]> {
    return structuredClone([...this.#records.values()]);
  }

  async write(change: WebhookChange): Promise<void> {
    if ('put' in change) this.#records.set(change.put.id, structuredClone(change.put));
    else this.#records.delete(change.remove);
  }
}
