import { connectReturnCode } from '../../codec/connack.ts';
import { MAX_STRING_BYTES } from '../../codec/control-packet.ts';
import { MqttError } from '../../codec/errors.ts';
import { NO_PROPERTIES } from '../../codec/property.ts';
import { ReasonCode, reasonCodeName } from '../../codec/reason-code.ts';
import { isEncodableText } from '../../codec/utf8.ts';
import type { DisconnectCause } from '../hooks.ts';
import { shown } from '../log-budget.ts';
import { detachSession } from '../session-lifecycle.ts';
import type { BrokerStats } from '../stats.ts';
import { ConnectionState, type Connection } from './connection.ts';

type Counter = {
  [Name in keyof BrokerStats]: BrokerStats[Name] extends number ? Name : never;
}[keyof BrokerStats];

type Ending = {
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
const ENDINGS = {
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
type EndCause = keyof typeof ENDINGS;

/** What one case has that its row does not know. */
type EndDetail = {
  readonly reasonCode?: ReasonCode;
  readonly reason?: string | undefined;
  /** For the log, where the row has a line for it. */
  readonly error?: unknown;
};

/**
 * Ends a connection: counts it, tells the client [MQTT-3.14.1-1] [MQTT-3.1.4-2], gives its session back, and has the
 * transport close. One that has ended is only closed sooner, where the cause asks for it.
 */
export function end(connection: Connection, cause: EndCause, detail: EndDetail = {}): void {
  const ending: Ending = ENDINGS[cause];
  const isOver = connection.state === ConnectionState.CLOSED;
  if (!isOver) conclude(connection, ending, detail);
  if (ending.closes === 'sending') {
    if (!isOver) connection.outbox.end();
    return;
  }
  connection.outbox.discard();
  if (ending.closes === 'breaking') connection.transport.destroy();
}

/** Ends a connection for what came over it (section 4.13), or for a fault of this program: the others do not suffer. */
export function endForFault(connection: Connection, error: unknown): void {
  if (!(error instanceof MqttError)) end(connection, 'failure', { error });
  else end(connection, 'protocol-error', { reasonCode: error.reasonCode, reason: error.message });
}

/** A text for the client, unless no packet can hold it [MQTT-1.5.4-1] [MQTT-1.5.4-2]. */
export function sayable(reason: string): string | undefined {
  return isEncodableText(reason) && Buffer.byteLength(reason) <= MAX_STRING_BYTES ? reason : undefined;
}

function conclude(connection: Connection, ending: Ending, detail: EndDetail): void {
  const { engine } = connection;
  const { by } = ending;
  const { reasonCode = ending.reasonCode, reason = ending.reason } = detail;
  if (ending.counter !== undefined) engine.stats[ending.counter]++;
  if (ending.log !== undefined) {
    engine.logBudget.write('failures of connections', { err: detail.error }, ending.log);
  }
  const wasConnected = connection.state === ConnectionState.CONNECTED;
  if (by === 'server') {
    if (wasConnected) tellConnected(connection, reasonCode, reason);
    else tellRefused(connection, reasonCode, reason);
  }
  connection.state = ConnectionState.CLOSED;
  connection.inbox.close();
  engine.wheel.clear(connection.timer);
  connection.authentication?.abandon();
  connection.authentication = undefined;
  if (wasConnected) detachSession(connection, { by, reasonCode, reason });
}

/** Versions before 5.0 have no DISCONNECT from this side. */
function tellConnected(connection: Connection, reasonCode: ReasonCode, reason: string): void {
  if (connection.version !== 5) return;
  connection.send({ type: 'disconnect', reasonCode, properties: { reasonString: sayable(reason) } });
}

/** Answers a CONNECT, if one has come and its version has a word for the refusal [MQTT-3.2.2-7]. */
function tellRefused(connection: Connection, reasonCode: ReasonCode, reason: string): void {
  const { engine, version, acceptor, client, transport } = connection;
  const hasConnect = connection.state === ConnectionState.CONNECTING;
  if (hasConnect) engine.stats.connectsRefused++;
  if (hasConnect && (version === 5 || connectReturnCode(reasonCode) !== undefined)) {
    const properties = version === 5 ? { reasonString: sayable(reason) } : NO_PROPERTIES;
    connection.send({ type: 'connack', sessionPresent: false, reasonCode, properties });
  }
  const { address } = transport.peer;
  const clientId = client === undefined ? undefined : shown(client.clientId);
  const text = `a client was refused: ${reasonCodeName(reasonCode)} (${shown(reason)})`;
  engine.logBudget.write('clients refused', { listener: acceptor.name, address, clientId }, text);
}
