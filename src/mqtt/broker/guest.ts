import type { ErrorCode } from '../../base/errors.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import type { QoS } from '../codec/control-packet.ts';
import { MqttError } from '../codec/errors.ts';
import type { PublishProperties } from '../codec/publish.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import { parseTopicFilter } from '../topics/topic-filter.ts';
import { findTopicNameFault, isSysTopic, TOPIC_FAULT_WORDS, type TopicFault } from '../topics/topic-name.ts';
import { askPublishHooks, askSubscribeHooks } from './ask-hooks.ts';
import { ClientSession } from './client-session.ts';
import type { CompiledHooks } from './compiled-hooks.ts';
import type { Engine } from './engine.ts';
import type { ClientInfo } from './hooks.ts';
import type { ConnectionOptions } from './options.ts';
import type { ServerMessage } from './publication.ts';
import { publishMessage } from './publish-message.ts';

/** Topics looked at in one turn of the event loop. */
const PIECE_TOPICS = 512;
/** Of topics on one page, beyond the first. */
const MAX_PAGE_CHARACTERS = 1_048_576;

/** Why a guest was refused. */
export type GuestFailure = { readonly code: ErrorCode; readonly message: string };

/** A message that is retained. */
export type RetainedMessage = {
  readonly topicName: string;
  readonly qos: QoS;
  /** A copy. */
  readonly payload: Buffer;
  /** With what is left of its Message Expiry Interval. */
  readonly properties: PublishProperties;
};

export type RetainedPage = {
  /** In the order of their topics, as text. */
  readonly messages: readonly RetainedMessage[];
  /** The topic behind which the next page begins; undefined on the last one. */
  readonly last: string | undefined;
};

type GuestRules = { readonly options: ConnectionOptions; readonly hooks: CompiledHooks };

/**
 * Somebody who publishes and reads without a connection, held to the same rules as a client: the embedding program says
 * who it is, and the hooks of the broker what it may.
 */
export class BrokerGuest {
  readonly #engine: Engine;
  readonly #client: ClientInfo;
  readonly #rules: GuestRules;

  constructor(engine: Engine, client: ClientInfo, rules: GuestRules) {
    this.#engine = engine;
    this.#client = client;
    this.#rules = rules;
  }

  /**
   * Publishes a message, and waits until what is to be stored of it is.
   *
   * @returns whether somebody has subscribed
   */
  async publish(message: ServerMessage): Promise<Result<{ readonly isMatched: boolean }, GuestFailure>> {
    const engine = this.#engine;
    const { topicName, retain, qos } = message;
    const fault = findTopicNameFault(topicName, engine.options.maxTopicLevels);
    if (fault !== undefined) return invalid('topic', fault);
    const { retainAvailable, maximumQos } = this.#rules.options;
    if (retain && !retainAvailable) return denied('nothing is retained here (mqtt.retainAvailable)');
    if (qos > maximumQos) return denied(`the highest QoS here is ${maximumQos} (mqtt.maximumQos)`);
    if (isSysTopic(topicName)) return denied('only the broker itself publishes below $SYS');
    const verdict = askPublishHooks(engine, this.#rules.hooks.authorizePublish, this.#client, message);
    if (!verdict.allow) return denied(verdict.reasonString ?? 'this account may not publish there');
    if (engine.commits.isFailing && retain) return NOT_STORED;
    let count: number | undefined;
    try {
      const how = { client: this.#client, mustBeRetained: true };
      count = publishMessage(engine, message, engine.hooks, how);
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      return fail({
        code: 'REQUEST_INVALID',
        message: `No client could send this message: ${error.message}.`,
      });
    }
    if (count === undefined) return FULL;
    return (await engine.commits.written()) ? succeed({ isMatched: count > 0 }) : NOT_STORED;
  }

  /** What is retained on a topic; undefined where nothing is. */
  retained(topicName: string): Result<RetainedMessage | undefined, GuestFailure> {
    const engine = this.#engine;
    const fault = findTopicNameFault(topicName, engine.options.maxTopicLevels);
    if (fault !== undefined) return invalid('topic', fault);
    return this.#asReader((reader) => {
      if (!engine.canReceive(reader, topicName)) return denied('this account may not read there');
      const message = engine.retained.get(topicName);
      return succeed(message && this.#read(message));
    });
  }

  /**
   * What is retained on the topics of a filter, those that the guest may read, behind a topic. All that is retained is
   * looked at, a little in each turn of the event loop.
   *
   * @param maxTopicBytes - longer topics are left out
   * @param isWanted - false: the page is not needed any more
   */
  async listRetained(
    topicFilter: string,
    page: { after: string; limit: number; maxTopicBytes: number; isWanted: () => boolean },
  ): Promise<Result<RetainedPage, GuestFailure>> {
    const engine = this.#engine;
    const parsed = parseTopicFilter(topicFilter, engine.options.maxTopicLevels);
    if (!parsed.ok) return invalid('filter', parsed.failure);
    if (parsed.value.shareName !== undefined) return invalid('filter', 'share-name');
    const { authorizeSubscribe } = this.#rules.hooks;
    const verdict = await askSubscribeHooks(engine, authorizeSubscribe, this.#client, topicFilter);
    if (!verdict.allow) return denied(verdict.reasonString ?? 'this account may not read all of these');
    const { topics, hasMore } = await this.#find(topicFilter, page);
    // What has gone or was replaced since it was found is told as it is now.
    const messages = topics.map((topic) => engine.retained.get(topic)).filter((each) => each !== undefined);
    return succeed({
      messages: messages.map((each) => this.#read(each)),
      last: hasMore ? topics.at(-1) : undefined,
    });
  }

  /** The first topics behind `after`. */
  async #find(
    topicFilter: string,
    { after, limit, maxTopicBytes, isWanted }: Parameters<BrokerGuest['listRetained']>[1],
  ): Promise<{ topics: string[]; hasMore: boolean }> {
    const engine = this.#engine;
    const topics: string[] = [];
    const matches = engine.retained.match(topicFilter);
    let characters = 0;
    /** The first one that is not on this page any more. */
    let bound: string | undefined;
    while (!matches.isDone && isWanted()) {
      for (const { topicName } of matches.next(PIECE_TOPICS)) {
        if (topicName <= after || (bound !== undefined && topicName >= bound)) continue;
        if (topicName.length * 3 > maxTopicBytes && Buffer.byteLength(topicName) > maxTopicBytes) continue;
        if (!this.#asReader((reader) => engine.canReceive(reader, topicName))) continue;
        topics.splice(placeOf(topics, topicName), 0, topicName);
        characters += topicName.length;
        while (topics.length > limit || (characters > MAX_PAGE_CHARACTERS && topics.length > 1)) {
          bound = topics.pop()!;
          characters -= bound.length;
        }
      }
      await new Promise((resolve) => void setImmediate(resolve));
    }
    matches.close();
    return { topics, hasMore: bound !== undefined };
  }

  #read(message: StoredMessage): RetainedMessage {
    const engine = this.#engine;
    const publication = engine.takePublication();
    try {
      publication.takeStored(message, engine.clock.now());
      const { topicName, qos, payload, properties } = publication;
      return { topicName, qos, payload: Buffer.from(payload), properties };
    } finally {
      engine.givePublication();
    }
  }

  /** Rules for what is received are asked about sessions: this one is nobody's, and gone afterwards. */
  #asReader<T>(ask: (reader: ClientSession) => T): T {
    const client = this.#client;
    const reader = new ClientSession(client, this.#rules, undefined, this.#engine.openParty(client));
    try {
      return ask(reader);
    } finally {
      reader.releaseAll();
    }
  }
}

const NOT_STORED = fail<GuestFailure>({
  code: 'STORE_UNAVAILABLE',
  message: 'The broker cannot store messages at present.',
});
const FULL = fail<GuestFailure>({
  code: 'RETAINED_FULL',
  message:
    'As many messages are retained, or bytes of them, as may be (mqtt.maxRetainedMessages, maxRetainedBytes).',
});

function denied(why: string): Result<never, GuestFailure> {
  return fail({ code: 'FORBIDDEN', message: `The MQTT broker refuses this: ${why}.` });
}

function invalid(what: string, fault: TopicFault): Result<never, GuestFailure> {
  return fail({ code: 'TOPIC_INVALID', message: `The ${what} ${TOPIC_FAULT_WORDS[fault]}.` });
}

/** Where a text belongs among others that are in order. */
function placeOf(texts: readonly string[], text: string): number {
  let low = 0;
  let high = texts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (texts[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
