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
  lost: {
    by: 'lost',
    reasonCode: ReasonCode.UNSPECIFIED_ERROR,
    reason: 'the connection was closed without DISCONNECT',
    closes: 'gone',
  },
  /** The client asks for what it does not get: the code and the reason say what. */
  refused: {
    by: 'server',
    reasonCode: ReasonCode.UNSPECIFIED_ERROR,
    reason: 'it was refused',
    closes: 'sending',
  },
  'user-differs': {
    by: 'server',
    reasonCode: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    reason: 'the Client Identifier belongs to another user',
    counter: 'takeoversRefused',
    closes: 'sending',
  },
  'protocol-error': {
    by: 'server',
    reasonCode: ReasonCode.PROTOCOL_ERROR,
    reason: 'the client broke the protocol',
    counter: 'protocolErrors',
    closes: 'sending',
  },
  'connect-timeout': {
    by: 'server',
    reasonCode: ReasonCode.SERVER_BUSY,
    reason: 'the CONNECT took too long',
    counter: 'connectTimeouts',
    closes: 'sending',
  },
  'keep-alive-timeout': {
    by: 'server',
    reasonCode: ReasonCode.KEEP_ALIVE_TIMEOUT,
    reason: 'no packet came within the Keep Alive',
    counter: 'keepAliveTimeouts',
    closes: 'sending',
  },
  'taken-over': {
    by: 'server',
    reasonCode: ReasonCode.SESSION_TAKEN_OVER,
    reason: 'another client came with its Client Identifier',
    counter: 'connectionsTakenOver',
    closes: 'sending',
  },
  administrator: {
    by: 'server',
    reasonCode: ReasonCode.ADMINISTRATIVE_ACTION,
    reason: 'ended by the administrator',
    closes: 'sending',
  },
  'shutting-down': {
    by: 'server',
    reasonCode: ReasonCode.SERVER_SHUTTING_DOWN,
    reason: 'the server is shutting down',
    closes: 'sending',
  },
  /** The broker ends before the client was connected. */
  'never-connected': {
    by: 'lost',
    reasonCode: ReasonCode.UNSPECIFIED_ERROR,
    reason: 'the server is shutting down',
    closes: 'breaking',
  },
  'store-behind': {
    by: 'server',
    reasonCode: ReasonCode.QUOTA_EXCEEDED,
    reason: 'the store of the server has fallen behind',
    counter: 'storeRefusals',
    closes: 'sending',
  },
  /** A session is asked for that could not be stored. */
  'store-unavailable': {
    by: 'server',
    reasonCode: ReasonCode.SERVER_UNAVAILABLE,
    reason: 'sessions cannot be stored at present',
    counter: 'storeRefusals',
    closes: 'sending',
  },
  /** What it was about to be told was not stored: the client comes back and sends it again. */
  'store-failed': {
    by: 'lost',
    reasonCode: ReasonCode.UNSPECIFIED_ERROR,
    reason: 'the session store failed',
    closes: 'breaking',
  },
  failure: {
    by: 'server',
    reasonCode: ReasonCode.UNSPECIFIED_ERROR,
    reason: 'the server failed',
    log: 'a packet could not be handled',
    closes: 'sending',
  },
  unwritable: {
    by: 'lost',
    reasonCode: ReasonCode.UNSPECIFIED_ERROR,
    reason: 'the connection could not be written to',
    log: 'a connection could not be written to',
    closes: 'breaking',
  },
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
