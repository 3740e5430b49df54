import { ReasonCode } from '../../codec/reason-code.ts';
import type { DisconnectCause } from '../hooks.ts';
import type { BrokerStats } from '../stats.ts';

type Counter = {
  [Name in keyof BrokerStats]: BrokerStats[Name] extends number ? Name : never;
}[keyof BrokerStats];

export type Ending = {
  /** `server`: the client is told, by a CONNACK before it is connected and by a DISCONNECT afterwards. */
  readonly by: DisconnectCause['by'];
  readonly reasonCode: ReasonCode;
  /** For people; for the client too where it is told. */
  readonly reason: string;
  readonly counter?: Counter;
  /** Written with the error, which is this program's. */
  readonly log?: string;
  /**
   * `sending`: when everything that was said has gone. `breaking`: at once, as if the network connection had broken.
   * `gone`: it is closed already.
   */
  readonly closes: 'sending' | 'breaking' | 'gone';
};

/** Everything that ends a connection, and what is said, counted and written then. */
export const ENDINGS = {
  disconnect: {
    by: 'client',
    reasonCode: ReasonCode.NORMAL_DISCONNECTION,
    reason: 'DISCONNECT',
    closes: 'sending',
  },
  lost: broken('the connection was closed without DISCONNECT', { closes: 'gone' }),
  /** The client asks for what it does not get: the code and the reason say what. */
  refused: told(ReasonCode.UNSPECIFIED_ERROR, 'it was refused'),
  'user-differs': told(
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    'the Client Identifier belongs to another user',
    { counter: 'takeoversRefused' },
  ),
  'protocol-error': told(ReasonCode.PROTOCOL_ERROR, 'the client broke the protocol', {
    counter: 'protocolErrors',
  }),
  'connect-timeout': told(ReasonCode.SERVER_BUSY, 'the CONNECT took too long', {
    counter: 'connectTimeouts',
  }),
  'keep-alive-timeout': told(ReasonCode.KEEP_ALIVE_TIMEOUT, 'no packet came within the Keep Alive', {
    counter: 'keepAliveTimeouts',
  }),
  'taken-over': told(ReasonCode.SESSION_TAKEN_OVER, 'another client came with its Client Identifier', {
    counter: 'connectionsTakenOver',
  }),
  administrator: told(ReasonCode.ADMINISTRATIVE_ACTION, 'ended by the administrator'),
  'shutting-down': told(ReasonCode.SERVER_SHUTTING_DOWN, 'the server is shutting down'),
  /** The broker ends before the client was connected. */
  'never-connected': broken('the server is shutting down'),
  'store-behind': told(ReasonCode.QUOTA_EXCEEDED, 'the store of the server has fallen behind', {
    counter: 'storeRefusals',
  }),
  /** A session is asked for that could not be stored. */
  'store-unavailable': told(ReasonCode.SERVER_UNAVAILABLE, 'sessions cannot be stored at present', {
    counter: 'storeRefusals',
  }),
  /** What it was about to be told was not stored: the client comes back and sends it again. */
  'store-failed': broken('the session store failed'),
  failure: told(ReasonCode.UNSPECIFIED_ERROR, 'the server failed', { log: 'a packet could not be handled' }),
  unwritable: broken('the connection could not be written to', {
    log: 'a connection could not be written to',
  }),
} as const satisfies Record<string, Ending>;

/** Why a connection ends: a row of the table. */
export type EndCause = keyof typeof ENDINGS;

/** What one case has that its row does not know. */
export type EndDetail = {
  readonly reasonCode?: ReasonCode;
  readonly reason?: string | undefined;
  /** For the log, where the row has a line for it. */
  readonly error?: unknown;
};

/** The client is told, and the connection closed when that has gone. */
function told(reasonCode: ReasonCode, reason: string, more: Partial<Ending> = {}): Ending {
  return { by: 'server', reasonCode, reason, closes: 'sending', ...more };
}

/** The network connection has broken, or is broken now: nobody is told. */
function broken(reason: string, more: Partial<Ending> = {}): Ending {
  return { by: 'lost', reasonCode: ReasonCode.UNSPECIFIED_ERROR, reason, closes: 'breaking', ...more };
}
