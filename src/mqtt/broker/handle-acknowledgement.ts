import {
  writeAcknowledgement,
  type AcknowledgementPacket,
  type AcknowledgementType,
} from '../codec/acknowledgement.ts';
import { PacketType } from '../codec/control-packet.ts';
import { protocolError, type MqttError } from '../codec/errors.ts';
import { expectReservedFlags } from '../codec/fixed-header.ts';
import type { Framer } from '../codec/framer.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import { InflightState } from '../session/inflight.ts';
import type { OnAcknowledged } from './client-session.ts';
import type { Connection } from './connection/connection.ts';
import { decodeShown } from './decode.ts';
import { sendQueued } from './send-queued.ts';

/** Of a body that is a Packet Identifier and nothing else, which is nearly every one. */
const SHORT_BODY_BYTES = 2;

type Acknowledged = { readonly packetId: number; readonly reasonCode: ReasonCode };

/** PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7, and 4.3). */
export function handleAcknowledgement(
  connection: Connection,
  framer: Framer,
  type: AcknowledgementType,
): void {
  const { bytes, bodyStart, bodyEnd, firstByte } = framer;
  let packetId = 0;
  let reasonCode: ReasonCode = ReasonCode.SUCCESS;
  if (bodyEnd - bodyStart === SHORT_BODY_BYTES) {
    expectReservedFlags(type, firstByte & 0x0f, connection.version);
    packetId = (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]!;
  }
  if (packetId === 0) {
    ({ packetId, reasonCode } = decodeShown<AcknowledgementPacket['type']>(connection, framer));
  }
  switch (type) {
    case PacketType.PUBACK:
      finish(connection, { packetId, reasonCode }, InflightState.PUBACK);
      return;
    case PacketType.PUBREC:
      handlePubrec(connection, packetId, reasonCode);
      return;
    case PacketType.PUBREL:
      handlePubrel(connection, packetId);
      return;
    default:
      finish(connection, { packetId, reasonCode }, InflightState.PUBCOMP);
  }
}

/**
 * The message is done with, and its identifier free again. One that is unknown changes nothing: the client may have
 * kept it longer than this side.
 *
 * @throws {MqttError} when the message waits for another packet, by its QoS or by what came before (section 4.3)
 */
function finish(
  connection: Connection,
  { packetId, reasonCode }: Acknowledged,
  expected: InflightState,
): void {
  const { engine } = connection;
  const session = connection.session!;
  const { inflight, receipts } = session;
  const state = inflight?.stateOf(packetId) ?? InflightState.FREE;
  if (inflight === undefined || state === InflightState.FREE) return;
  if (state !== expected) throw outOfPlace(packetId, state);
  const queued = inflight.messageOf(packetId);
  inflight.remove(packetId);
  if (queued !== undefined) {
    if (queued.wasResent) session.quota.uncountResent();
    engine.notes.forgetQueued(session, queued);
    session.bookMessages();
  }
  if (receipts !== undefined && receipts.size > 0)
    tellReceipt(connection, receipts, { packetId, reasonCode });
  sendQueued(engine, session);
}

/** This program wanted to know. */
function tellReceipt(
  { engine, client }: Connection,
  receipts: Map<number, OnAcknowledged>,
  { packetId, reasonCode }: Acknowledged,
): void {
  const onAcknowledged = receipts.get(packetId);
  if (onAcknowledged === undefined) return;
  receipts.delete(packetId);
  engine.observe('this program', 'onAcknowledged', () => onAcknowledged(client!, reasonCode));
}

function handlePubrec(connection: Connection, packetId: number, reasonCode: ReasonCode): void {
  const session = connection.session!;
  const { inflight } = session;
  const state = inflight?.stateOf(packetId) ?? InflightState.FREE;
  if (state === InflightState.PUBACK) throw outOfPlace(packetId, state);
  if (state === InflightState.PUBREC && reasonCode >= 0x80) {
    finish(connection, { packetId, reasonCode }, InflightState.PUBREC); // section 4.3.3: the sender must not go on
    return;
  }
  let answer: ReasonCode = ReasonCode.SUCCESS;
  if (state === InflightState.PUBREC) {
    inflight!.setState(packetId, InflightState.PUBCOMP);
    const queued = inflight!.messageOf(packetId);
    if (queued !== undefined) {
      queued.isReleased = true;
      connection.engine.notes.noteProgress(session, queued);
    }
  } else if (state !== InflightState.PUBCOMP) {
    if (reasonCode >= 0x80) return;
    answer = ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
  }
  connection.engine.stats.othersSent++;
  writeAcknowledgement(connection.outbox.answers(), PacketType.PUBREL, packetId, answer, connection.version);
  connection.outbox.written();
}

function outOfPlace(packetId: number, state: InflightState): MqttError {
  const expected = ['', 'PUBACK', 'PUBREC', 'PUBCOMP'][state];
  return protocolError(`the message with the Packet Identifier ${packetId} waits for a ${expected}`);
}

/** The sender will not send the message again [MQTT-4.3.3-11]. */
function handlePubrel(connection: Connection, packetId: number): void {
  const session = connection.session!;
  const isKnown = session.received?.delete(packetId) === true;
  if (isKnown) connection.engine.notes.forgetReceived(session, packetId);
  const answer = isKnown ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
  connection.engine.stats.othersSent++;
  writeAcknowledgement(connection.outbox.answers(), PacketType.PUBCOMP, packetId, answer, connection.version);
  connection.outbox.written();
}
