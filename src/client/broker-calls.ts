import type {
  BrokerSessionResource,
  ClientPageResource,
  ClientQuery,
  SessionPageResource,
  SessionQuery,
} from '../api/broker-schemas.ts';
import { readBrokerSession, readClientPage, readSessionPage } from './check-answer.ts';
import { eachPage, listQuery, pathSegment } from './hub-paths.ts';
import { askHub, type CallOptions, type HubConnection, type Options } from './hub-request.ts';

/** `q` is a text to look for in the client id or user name; `limit` on one page, 1 to 1,000 [100]. */
export type BrokerClientListOptions = CallOptions & Options<ClientQuery>;
export type BrokerSessionListOptions = CallOptions & Options<SessionQuery>;

/** Who is meant: by its client id, or as it was listed, which reaches ids of any form, and that session alone. */
export type BrokerClient = string | Pick<BrokerSessionResource, 'key'>;

/** The clients and sessions of the hub's MQTT broker. */
export type BrokerCalls = {
  readonly clients: {
    /** One page of those that are connected; it may have fewer than `limit`, also where there are more pages. */
    list(options?: BrokerClientListOptions): Promise<ClientPageResource>;
    /** All of them, page by page as they are consumed. */
    all(options?: BrokerClientListOptions): AsyncGenerator<BrokerSessionResource, void, void>;
    /** `CLIENT_UNKNOWN` when it is not connected. */
    get(client: BrokerClient, options?: CallOptions): Promise<BrokerSessionResource>;
    /** Ends its connection; with its session kept it may come back and go on. */
    disconnect(client: BrokerClient, options?: CallOptions): Promise<void>;
  };
  readonly sessions: {
    /** One page, of those also that are away; it may have fewer than `limit`, also where there are more pages. */
    list(options?: BrokerSessionListOptions): Promise<SessionPageResource>;
    /** All of them, page by page as they are consumed. */
    all(options?: BrokerSessionListOptions): AsyncGenerator<BrokerSessionResource, void, void>;
    get(client: BrokerClient, options?: CallOptions): Promise<BrokerSessionResource>;
    /** Ends it, with what waits in it, and the connection of its client. */
    end(client: BrokerClient, options?: CallOptions): Promise<void>;
  };
};

/** @param timeoutMs - how long the whole answer may take */
export function createBrokerCalls(hub: HubConnection, timeoutMs: number): BrokerCalls {
  const get = <T>(path: string, { signal }: CallOptions, read: (answer: unknown) => T): Promise<T> =>
    askHub(hub, { method: 'GET', path, timeoutMs, signal, idempotent: true, read });
  const end = (path: string, { signal }: CallOptions = {}): Promise<void> =>
    askHub(hub, { method: 'DELETE', path, timeoutMs, signal, idempotent: true, read: () => undefined });
  const listClients: BrokerCalls['clients']['list'] = (options = {}) =>
    get(`/api/v1/broker/clients${listQuery(options)}`, options, readClientPage);
  const listSessions: BrokerCalls['sessions']['list'] = (options = {}) =>
    get(`/api/v1/broker/sessions${listQuery(options)}`, options, readSessionPage);
  return {
    clients: {
      list: listClients,
      async *all(options = {}) {
        const pages = eachPage(hub.url, (cursor) => listClients({ ...options, cursor }), options.cursor);
        for await (const { clients } of pages) yield* clients;
      },
      get: async (client, options = {}) => get(pathOf('clients', client), options, readBrokerSession),
      disconnect: async (client, options) => end(pathOf('clients', client), options),
    },
    sessions: {
      list: listSessions,
      async *all(options = {}) {
        const pages = eachPage(hub.url, (cursor) => listSessions({ ...options, cursor }), options.cursor);
        for await (const { sessions } of pages) yield* sessions;
      },
      get: async (client, options = {}) => get(pathOf('sessions', client), options, readBrokerSession),
      end: async (client, options) => end(pathOf('sessions', client), options),
    },
  };
}

function pathOf(list: 'clients' | 'sessions', client: BrokerClient): string {
  if (typeof client !== 'string') return `/api/v1/broker/${list}/${client.key}`;
  if (client.startsWith('~'))
    throw new TypeError('an id that begins with ~ is reached by what the list says');
  return `/api/v1/broker/${list}/${pathSegment(client, 'client id')}`;
}
