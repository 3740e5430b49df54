import type {
  PublishedResource,
  PublishQuery,
  RetainedResource,
  TopicPageResource,
  TopicQuery,
} from '../api/topic-schemas.ts';
import { readPublished, readTopicPage } from './check-answer.ts';
import { eachPage, listQuery } from './hub-paths.ts';
import {
  askHub,
  type CallOptions,
  type HubConnection,
  type HubRequest,
  type Options,
} from './hub-request.ts';

/** `filter` is a Topic Filter [`#`]; `limit` topics on one page, 1 to 1,000 [100]. */
export type TopicListOptions = CallOptions & Options<TopicQuery>;

/** What subscribers are told with a message. */
export type MessageOptions = CallOptions &
  Options<Omit<PublishQuery, 'retain'>> & {
    readonly contentType?: string | undefined;
    readonly userProperties?: readonly (readonly [name: string, value: string])[] | undefined;
  };

/** What is retained on a topic. */
export type RetainedPayload = {
  readonly payload: Uint8Array<ArrayBuffer>;
  /** `application/octet-stream` where its publisher said nothing. */
  readonly contentType: string;
};

/** What the hub's MQTT broker retains, and messages to it. An empty message is one without a payload. */
export type TopicCalls = {
  /** One page of what is retained on the topics of a filter, without the payloads. */
  list(options?: TopicListOptions): Promise<TopicPageResource>;
  /** All of it, page by page as it is consumed. */
  all(options?: TopicListOptions): AsyncGenerator<RetainedResource, void, void>;
  /** `RETAINED_UNKNOWN` where nothing is retained. */
  get(topic: string, options?: CallOptions): Promise<RetainedPayload>;
  /** Publishes a message, and retains it. */
  put(topic: string, payload: Uint8Array | string, options?: MessageOptions): Promise<PublishedResource>;
  /** Publishes a message. */
  publish(
    topic: string,
    payload: Uint8Array | string,
    options?: MessageOptions & { readonly retain?: boolean | undefined },
  ): Promise<PublishedResource>;
  /** Takes away what is retained. */
  clear(topic: string, options?: CallOptions): Promise<void>;
};

/** @param timeoutMs - how long the whole answer may take */
export function createTopicCalls(hub: HubConnection, timeoutMs: number): TopicCalls {
  const ask = <T>(question: Omit<HubRequest<T>, 'timeoutMs'>): Promise<T> =>
    askHub(hub, { timeoutMs, ...question });
  const list: TopicCalls['list'] = (options = {}) =>
    ask({
      method: 'GET',
      path: `/api/v1/topics${listQuery(options)}`,
      signal: options.signal,
      idempotent: true,
      read: readTopicPage,
    });
  const send = (
    method: 'PUT' | 'POST',
    path: string,
    payload: Uint8Array | string,
    { contentType = '', userProperties = [], signal }: MessageOptions,
  ): Promise<PublishedResource> =>
    ask({
      method,
      path,
      body: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
      headers: {
        ...(contentType !== '' && { 'content-type': contentType }),
        ...(userProperties.length > 0 && { 'mqtt-user-properties': writePairs(userProperties) }),
      },
      signal,
      idempotent: method === 'PUT',
      read: readPublished,
    });
  return {
    list,
    async *all(options = {}) {
      const pages = eachPage(hub.url, (cursor) => list({ ...options, cursor }), options.cursor);
      for await (const { topics } of pages) yield* topics;
    },
    get: async (topic, { signal } = {}) =>
      ask({
        method: 'GET',
        path: pathOf(topic),
        headers: { accept: '*/*' },
        signal,
        idempotent: true,
        read: () => NOTHING,
        readBytes: (payload, headers) => ({ payload, contentType: headers.get('content-type') ?? '' }),
      }),
    put: async (topic, payload, { qos, expirySeconds, ...options } = {}) =>
      send('PUT', pathOf(topic) + listQuery({ qos, expirySeconds }), payload, options),
    publish: async (topic, payload, { qos, expirySeconds, retain = false, ...options } = {}) => {
      const query = listQuery({ qos, expirySeconds, ...(retain && { retain: 'true' }) });
      return send('POST', pathOf(topic) + query, payload, options);
    },
    clear: async (topic, { signal } = {}) =>
      ask({ method: 'DELETE', path: pathOf(topic), signal, idempotent: true, read: () => undefined }),
  };
}

const NOTHING: RetainedPayload = { payload: new Uint8Array(), contentType: '' };

function writePairs(pairs: readonly (readonly [string, string])[]): string {
  return new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString();
}

/** As one segment, so that levels that are empty, or dots, stay what they are. */
function pathOf(topic: string): string {
  if (topic === '' || topic === '.' || topic === '..')
    throw new TypeError(`"${topic}" is no topic that an address can name`);
  return `/api/v1/topics/${encodeURIComponent(topic.toWellFormed())}`;
}
