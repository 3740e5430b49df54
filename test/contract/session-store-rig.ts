import { afterEach, beforeEach } from 'node:test';
import type { PublishProperties } from '../../src/mqtt/codec/publish.ts';
import type {
  KeptWill,
  QueuedRecord,
  SessionRecord,
  SessionStore,
} from '../../src/mqtt/session/session-store.ts';
import type { SubscriptionOptions } from '../../src/mqtt/topics/subscription-match.ts';
import type { TopicFilter } from '../../src/mqtt/topics/topic-filter.ts';
import { keepMessage, loadAll } from '../helpers/stored-messages.ts';
import { stateOf, type Model } from './session-store-model.ts';

/** A place for a store, which a broker may leave without a word. */
export type SessionStoreRig = {
  /** A store over what was committed here before; as after a crash when the last one was not closed. */
  open(): Promise<SessionStore>;
  /** Has the next commit fail. */
  failNextCommit?(): void;
  remove(): Promise<void>;
};

/** The store of the test that runs. */
export class HeldStore {
  rig!: SessionStoreRig;
  store!: SessionStore;

  /** Within a suite: each test begins with an empty store, which was loaded. */
  constructor(openRig: () => Promise<SessionStoreRig>) {
    beforeEach(async () => {
      this.rig = await openRig();
      this.store = await this.rig.open();
      await loadAll(this.store);
    });
    afterEach(async () => {
      await this.store.close();
      await this.rig.remove();
    });
  }

  /** A store as a broker gets it when the one before has ended without a word. */
  async reopen(): Promise<Model> {
    this.store = await this.rig.open();
    return stateOf(this.store);
  }

  /** Everything noted so far is lasting, and comes back. */
  async cameBack(): Promise<Model> {
    await this.store.commit();
    return this.reopen();
  }
}

export const SECOND_MS = 1000;
export const NEVER_SECONDS = 0xffff_ffff;

export const FILTER: TopicFilter = { shareName: undefined, topicFilter: 'a/+' };
export const OPTIONS: SubscriptionOptions = {
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionIdentifier: 0,
};

export const ALL_PROPERTIES: PublishProperties = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 3600,
  responseTopic: 'répons/e',
  correlationData: Uint8Array.of(0, 255, 128),
  contentType: 'text/plain; charset=utf-8',
  userProperties: [
    ['ключ', 'значение'],
    ['ключ', ''],
  ],
};

export const ANY_WILL: KeptWill = { message: keepMessage({ topicName: 'w' }), willDelayInterval: 0 };
export const FULL_WILL: KeptWill = {
  message: keepMessage({
    topicName: 'wíll/日本',
    payload: Uint8Array.from({ length: 65_535 }, (_, index) => index),
    qos: 2,
    retain: true,
    properties: ALL_PROPERTIES,
  }),
  willDelayInterval: NEVER_SECONDS,
};

export const sessionOf = (clientId: string, fields: Partial<SessionRecord> = {}): SessionRecord => ({
  clientId,
  userName: undefined,
  isOwnerProven: false,
  sessionExpiryInterval: 60,
  disconnectedAtMs: undefined,
  will: undefined,
  ...fields,
});

export const queuedOf = (sequence: number, fields: Partial<QueuedRecord> = {}): QueuedRecord => ({
  sequence,
  message: keepMessage({ topicName: `t/${sequence}`, qos: 1 }),
  qos: 1,
  retain: false,
  subscriptionIdentifiers: [],
  group: undefined,
  packetId: 0,
  isReleased: false,
  ...fields,
});
