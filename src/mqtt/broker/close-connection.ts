import { connectReturnCode } from '../codec/connack.ts';
import type { DisconnectProperties } from '../codec/disconnect.ts';
import { MqttError } from '../codec/errors.ts';
import { NO_PROPERTIES } from '../codec/property.ts';
import { MAX_STRING_BYTES } from '../codec/control-packet.ts';
import { ReasonCode, reasonCodeName } from '../codec/reason-code.ts';
import { isEncodableText } from '../codec/utf8.ts';
import { ConnectionState, type Connection } from './connection.ts';
import type { DisconnectCause } from './hooks.ts';
import { shown } from './log-budget.ts';
import { detachSession } from './session-lifecycle.ts';

type ServerReason = Exclude<ReasonCode, 0x00 | 0x01 | 0x02>;

/**
 * Ends a connection from this side. A client of MQTT 5.0 is told why [MQTT-3.14.1-1]; one that is not connected yet
 * gets a CONNACK, if its version has a word for it.
 */
export function closeConnection(connection: Connection, reasonCode: ServerReason, reason: string): void {
  if (connection.state === ConnectionState.CLOSED) return;
  if (connection.state === ConnectionState.CONNECTING) {
    refuseConnect(connection, reasonCode, reason);
    return;
  }
  if (connection.version === 5) {
    const properties: DisconnectProperties = { reasonString: sayable(reason) };
    connection.send({ type: 'disconnect', reasonCode, properties });
  }
  conclude(connection, { by: 'server', reasonCode, reason });
}

/** Answers a CONNECT with a refusal, and closes [MQTT-3.1.4-2] [MQTT-3.2.2-7]. */
export function refuseConnect(connection: Connection, reasonCode: ReasonCode, reason: string): void {
  if (connection.state !== ConnectionState.CONNECTING) return;
  const { engine, version } = connection;
  if (connection.hasConnect) engine.stats.connectsRefused++;
  const canSay = version === 5 || connectReturnCode(reasonCode) !== undefined;
  if (canSay && connection.hasConnect) {
    const properties = version === 5 ? { reasonString: sayable(reason) } : NO_PROPERTIES;
    connection.send({ type: 'connack', sessionPresent: false, reasonCode, properties });
  }
  const { address } = connection.transport.peer;
  const clientId = connection.client === undefined ? undefined : shown(connection.client.clientId);
  const who = { listener: connection.acceptor.name, address, clientId };
  const text = `a client was refused: ${reasonCodeName(reasonCode)} (${shown(reason)})`;
  engine.logBudget.write('clients refused', who, text);
  conclude(connection, { by: 'server', reasonCode, reason });
}

/** Ends a connection for what came over it: a packet that is malformed, or must not come (section 4.13). */
export function closeForError(connection: Connection, error: unknown): void {
  if (!(error instanceof MqttError)) {
    // A fault of this program: the client suffers it, the others do not.
    const { logBudget } = connection.engine;
    logBudget.write('failures of connections', { err: error }, 'a packet could not be handled');
    closeConnection(connection, ReasonCode.UNSPECIFIED_ERROR, 'the server failed');
    return;
  }
  connection.engine.stats.protocolErrors++;
  const code = error.reasonCode as ServerReason;
  closeConnection(connection, code, error.message);
}

/** The client said DISCONNECT. */
export function closeAfterDisconnect(connection: Connection, reasonCode: ReasonCode): void {
  conclude(connection, { by: 'client', reasonCode, reason: reasonCodeName(reasonCode, 'DISCONNECT') });
}

/** Nothing came in time: no CONNECT, or no packet within the Keep Alive. */
export function closeForTime(connection: Connection): void {
  const { engine, keepAliveMs } = connection;
  if (connection.state === ConnectionState.CLOSED) return;
  if (connection.state === ConnectionState.CONNECTING) {
    engine.stats.connectTimeouts++;
    refuseConnect(connection, ReasonCode.SERVER_BUSY, 'the CONNECT took too long');
    return;
  }
  const nowMs = engine.clock.monotonic();
  // While a hook decides nothing is read, so the client cannot be heard.
  const dueMs = (connection.isHalted ? nowMs : connection.lastPacketMs) + keepAliveMs;
  if (nowMs < dueMs) {
    engine.wheel.set(connection.timer, dueMs);
    return;
  }
  engine.stats.keepAliveTimeouts++;
  closeConnection(connection, ReasonCode.KEEP_ALIVE_TIMEOUT, 'no packet came within the Keep Alive'); // [MQTT-3.1.2-22]
}

/** The network connection is over, whoever ended it. */
export function dropConnection(connection: Connection, error: Error | undefined): void {
  if (connection.state === ConnectionState.CLOSED) return;
  const reason = error === undefined ? 'the connection was closed without DISCONNECT' : error.message;
  leave(connection, { by: 'lost', reasonCode: ReasonCode.UNSPECIFIED_ERROR, reason });
  connection.discard();
}

/** A hook's text, unless no packet can hold it [MQTT-1.5.4-1] [MQTT-1.5.4-2]. */
export function sayable(reason: string): string | undefined {
  return isEncodableText(reason) && Buffer.byteLength(reason) <= MAX_STRING_BYTES ? reason : undefined;
}

function conclude(connection: Connection, cause: DisconnectCause): void {
  leave(connection, cause);
  connection.end();
}

function leave(connection: Connection, cause: DisconnectCause): void {
  const wasConnected = connection.state === ConnectionState.CONNECTED;
  connection.state = ConnectionState.CLOSED;
  connection.engine.wheel.clear(connection.timer);
  connection.authentication?.abandon();
  connection.authentication = undefined;
  if (wasConnected) detachSession(connection, cause);
}
