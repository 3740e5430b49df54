import { MAX_STRING_BYTES } from '../../codec/control-packet.ts';
import { MqttError } from '../../codec/errors.ts';
import { NO_PROPERTIES } from '../../codec/property.ts';
import { ReasonCode, reasonCodeName } from '../../codec/reason-code.ts';
import { isEncodableText } from '../../codec/utf8.ts';
import { shown } from '../../../base/log-budget.ts';
import { addressParty } from '../../../base/networks.ts';
import { detachSession } from '../session-lifecycle.ts';
import { ConnectionState, type Connection } from './connection.ts';
import { ENDINGS, type EndCause, type EndDetail, type Ending } from './end-causes.ts';

/**
 * Ends a connection: counts it, tells the client [MQTT-3.14.1-1] [MQTT-3.1.4-2], gives its session back, and has the
 * transport close. One that has ended is only closed sooner, where the cause asks for it.
 */
export function end(connection: Connection, cause: EndCause, detail: EndDetail = {}): void {
  const ending: Ending = ENDINGS[cause];
  const isOver = connection.state === ConnectionState.CLOSED;
  if (!isOver) conclude(connection, cause, detail);
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

function conclude(connection: Connection, cause: EndCause, detail: EndDetail): void {
  const { engine } = connection;
  const ending: Ending = ENDINGS[cause];
  const { by } = ending;
  const { reasonCode = ending.reasonCode, reason = ending.reason } = detail;
  if (ending.counter !== undefined) engine.stats[ending.counter]++;
  if (ending.log !== undefined) {
    const party = addressParty(connection.transport.peer.address);
    engine.logBudget.write('failures of connections', { err: detail.error }, ending.log, party);
  }
  const wasConnected = connection.state === ConnectionState.CONNECTED;
  if (by === 'server') {
    if (wasConnected) tellConnected(connection, cause, { reasonCode, reason });
    else tellRefused(connection, cause, { reasonCode, reason });
  }
  connection.state = ConnectionState.CLOSED;
  if (wasConnected) engine.countClient(-1);
  connection.inbox.close();
  connection.releaseConnect();
  engine.wheel.clear(connection.timer);
  connection.authentication?.abandon();
  connection.authentication = undefined;
  if (wasConnected) detachSession(connection, { by, reasonCode, reason });
}

type Refusal = { readonly reasonCode: ReasonCode; readonly reason: string };

/** Versions before 5.0 have no DISCONNECT from this side: what such a client did wrong, only the log tells. */
function tellConnected(connection: Connection, cause: EndCause, refusal: Refusal): void {
  const { reasonCode, reason } = refusal;
  if (cause === 'refused' || cause === 'protocol-error') logRefusal(connection, 'sent away', refusal);
  if (connection.version !== 5) return;
  connection.send({ type: 'disconnect', reasonCode, properties: { reasonString: sayable(reason) } });
}

/**
 * Answers a CONNECT, if one has come [MQTT-3.2.2-7]. Before MQTT 5.0 one that is malformed, but for its version, is not
 * answered [v3.1.1 MQTT-3.1.4-1].
 */
function tellRefused(connection: Connection, cause: EndCause, refusal: Refusal): void {
  const { engine, version } = connection;
  const { reasonCode, reason } = refusal;
  const hasConnect = connection.state === ConnectionState.CONNECTING;
  if (hasConnect) engine.stats.connectsRefused++;
  const isOfOtherVersion = reasonCode === ReasonCode.UNSUPPORTED_PROTOCOL_VERSION;
  if (hasConnect && (version === 5 || isOfOtherVersion || cause !== 'protocol-error')) {
    const properties = version === 5 ? { reasonString: sayable(reason) } : NO_PROPERTIES;
    connection.send({ type: 'connack', sessionPresent: false, reasonCode, properties });
  }
  logRefusal(connection, 'refused', refusal);
}

function logRefusal(connection: Connection, what: string, { reasonCode, reason }: Refusal): void {
  const { engine, acceptor, client, transport } = connection;
  const { address } = transport.peer;
  const clientId = client === undefined ? undefined : shown(client.clientId);
  const text = `a client was ${what}: ${reasonCodeName(reasonCode)} (${shown(reason)})`;
  engine.logBudget.write(
    'clients refused',
    { listener: acceptor.name, address, clientId },
    text,
    addressParty(address),
  );
}
