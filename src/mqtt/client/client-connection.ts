import type { BlockPool } from '../../base/blocks.ts';
import type { Timer } from '../../base/clock.ts';
import type { Turn } from '../../base/turn.ts';
import {
  writeAcknowledgement,
  type AcknowledgementPacket,
  type AcknowledgementType,
} from '../codec/acknowledgement.ts';
import { connectReturnCode, type ConnackPacket } from '../codec/connack.ts';
import type { ConnectPacket } from '../codec/connect.ts';
import {
  MAX_UINT_16,
  PACKET_NAMES,
  PacketType,
  type ProtocolVersion,
  type QoS,
} from '../codec/control-packet.ts';
import type { ControlPacket } from '../codec/decode-packet.ts';
import { encodePacket } from '../codec/encode-packet.ts';
import { MqttError, protocolError } from '../codec/errors.ts';
import { Framer } from '../codec/framer.ts';
import { NO_PROPERTIES } from '../codec/property.ts';
import { ReasonCode } from '../codec/reason-code.ts';
import type { Transport, TransportReceiver } from '../transport/transport.ts';
import type { BrokerAddress } from './broker-address.ts';
import type { MqttClientError } from './client-error.ts';
import type { ClientSettings } from './client-options.ts';
import { ClientOutbox } from './client-outbox.ts';
import {
  lostError,
  refusedError,
  silentError,
  unansweredAuthError,
  unencodableError,
  unreachableError,
} from './connection-errors.ts';
import type { Caller } from './caller.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { Phase } from './connection-phase.ts';
import { dialBroker } from './dial.ts';
import { Intake } from './intake.ts';
import type { ReceivedMessage } from './message.ts';
import { OwedAcknowledgements } from './owed-acknowledgements.ts';
import { decodeControl } from './decode-control.ts';
import { PublishReader } from './publish-reader.ts';
import { PublishWriter } from './publish-writer.ts';

/** How long a broker may take to close after it was told of its mistake. */
const FAULT_LINGER_MS = 1000;

type ConnectionParts = {
  readonly address: BrokerAddress;
  readonly settings: ClientSettings;
  readonly connect: ConnectPacket;
  readonly turn: Turn;
  readonly blocks: BlockPool;
  readonly owner: ConnectionOwner;
};

/** One network connection to a broker, from dialling to its end. What outlives it is its owner's. */
export class ClientConnection implements TransportReceiver, Caller {
  readonly version: ProtocolVersion;
  /** Whether the server takes Subscription Identifiers. */
  hasSubscriptionIdentifiers = false;
  readonly #parts: ConnectionParts;
  readonly #framer: Framer;
  readonly #reader: PublishReader;
  readonly #owed = new OwedAcknowledgements();
  #phase: Phase = Phase.DIALING;
  #transport: Transport | undefined = undefined;
  #outbox: ClientOutbox | undefined = undefined;
  #publishes: PublishWriter | undefined = undefined;
  #giveUpDialing: () => void = () => {};
  #timer: Timer | undefined;
  #intake: Intake = Intake.IDLE;
  #hasReceived = false;
  #isPinging = false;
  #problem: MqttClientError | undefined = undefined;

  constructor(parts: ConnectionParts) {
    const { settings, connect, blocks } = parts;
    this.#parts = parts;
    this.version = connect.protocolVersion;
    this.#framer = new Framer(settings.maxPacketBytes, blocks);
    this.#framer.setVersion(this.version);
    this.#reader = new PublishReader(this.version, settings);
  }

  /** @throws {MqttClientError} `CONFIG_INVALID`, when the options do not allow even an attempt */
  open(): void {
    const { address, settings } = this.#parts;
    this.#giveUpDialing = dialBroker(address, settings, this);
    const { connectTimeoutMs } = settings;
    this.#timer = settings.clock.setTimer(connectTimeoutMs, () =>
      this.abort(silentError(address, connectTimeoutMs)),
    );
  }

  get takesMore(): boolean {
    return this.#outbox?.takesMore === true;
  }

  get waitingBytes(): number {
    return this.#outbox?.waitingBytes ?? 0;
  }

  /** Encodes messages; only where the broker has accepted the connection. */
  get publishes(): PublishWriter {
    return this.#publishes!;
  }

  accept(transport: Transport): TransportReceiver | undefined {
    this.#transport = transport;
    const { address, turn, owner, connect } = this.#parts;
    this.#outbox = new ClientOutbox(transport, turn, () => owner.onRoom());
    this.#phase = Phase.GREETING;
    try {
      this.send(connect);
    } catch (error) {
      this.#end(unencodableError(address, error as Error));
      return undefined;
    }
    // At once: a server that refuses the certificate closes behind its alert, and what comes to it then hides that.
    this.#outbox.flush();
    return this;
  }

  onUnreachable(error: Error): void {
    const { address } = this.#parts;
    this.#end(unreachableError(address, error));
  }

  onBytes(bytes: Buffer, length: number): void {
    if (this.#phase >= Phase.ENDING) return;
    this.#hasReceived = true;
    this.#framer.push(bytes, 0, length);
    this.#readPackets();
  }

  room(): Buffer | undefined {
    if (this.#phase >= Phase.ENDING) this.#framer.close();
    return this.#framer.room();
  }

  onDrained(): void {
    this.#outbox?.drained();
  }

  onClosed(error: Error | undefined): void {
    const { address } = this.#parts;
    const gone =
      this.#phase === Phase.GREETING
        ? unreachableError(address, error)
        : lostError(address.label, error?.message);
    if (this.#problem?.code === 'BUS_CLOSED' && this.#outbox?.wasCut(error) === true)
      return this.#end(lostError(address.label, 'it did not take all that was sent', undefined, error));
    this.#end(this.#problem ?? gone);
  }

  /** Sends any packet that is not a PUBLISH. */
  send(packet: ControlPacket): void {
    if (this.#phase === Phase.ENDED || this.#outbox === undefined) return;
    encodePacket(this.#outbox.writer, packet, this.version);
    this.#outbox.written();
  }

  /** Acknowledges a message that was received here; false for any other. */
  acknowledge(message: ReceivedMessage): boolean {
    if (!this.#owed.makeReady(message) || this.#phase !== Phase.OPEN) return false;
    for (;;) {
      const next = this.#owed.takeReady();
      if (next === undefined) return true;
      this.#confirm(next);
    }
  }

  /** Takes no more from the broker until `resume`. */
  pause(): void {
    if (this.#isPaused) return;
    this.#intake = this.#intake === Intake.READING ? Intake.STOPPING : Intake.STOPPED;
    this.#transport?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    const isInMessage = this.#intake === Intake.STOPPING;
    this.#intake = isInMessage ? Intake.READING : Intake.IDLE;
    this.#hasReceived = true;
    if (this.#phase >= Phase.ENDING) return;
    if (!isInMessage) this.#readPackets();
    if (!this.#isPaused) this.#transport?.resume();
  }

  /** Says goodbye behind what was sent, and cuts the connection when the broker does not end it in time. */
  close(error: MqttClientError): void {
    const { closeTimeoutMs, timeoutMs } = this.#parts.settings;
    if (this.#phase === Phase.OPEN)
      this.#goodbye(ReasonCode.NORMAL_DISCONNECTION, error, closeTimeoutMs, timeoutMs);
    else this.abort(error);
  }

  /** Ends it without a word. */
  abort(error: MqttClientError): void {
    this.#problem ??= error;
    if (this.#transport !== undefined) {
      this.#phase = Phase.ENDING;
      this.#transport.destroy();
    } else {
      this.#giveUpDialing();
      this.#end(error);
    }
  }

  get #isPaused(): boolean {
    return this.#intake >= Intake.STOPPING;
  }

  #readPackets(): void {
    const framer = this.#framer;
    if (!this.#isPaused) this.#intake = Intake.READING;
    try {
      while (!this.#isPaused && this.#phase < Phase.ENDING && framer.next()) this.#handle(framer);
    } catch (error) {
      if (!(error instanceof MqttError)) throw error;
      this.#onFault(error);
      return;
    } finally {
      this.#intake = this.#isPaused ? Intake.STOPPED : Intake.IDLE;
    }
    if (this.#isPaused) framer.hold();
  }

  #handle(framer: Framer): void {
    const type = framer.firstByte >> 4;
    if (this.#phase === Phase.GREETING) return this.#onConnack(framer);
    switch (type) {
      case PacketType.PUBLISH:
        return this.#onPublish(this.#reader.read(framer));
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBCOMP:
        return this.#onAcknowledgement(type, framer);
      default:
        return this.#onOther(decodeControl(framer, this.version, this.#parts.settings));
    }
  }

  #onConnack(framer: Framer): void {
    const { address, settings, connect, owner } = this.#parts;
    const type = framer.firstByte >> 4;
    if (type === PacketType.AUTH) return this.abort(unansweredAuthError(address));
    if (type !== PacketType.CONNACK) throw protocolError(`${PACKET_NAMES[type]} comes before CONNACK`); // [MQTT-3.2.0-1]
    // A server of MQTT 3 answers a CONNECT of another version with a CONNACK of its own.
    const isOld = framer.bodyEnd - framer.bodyStart === 2;
    const version = isOld && this.version === 5 ? 4 : this.version;
    const connack = decodeControl(framer, version, settings) as ConnackPacket;
    const { reasonCode, properties, sessionPresent } = connack;
    if (reasonCode !== ReasonCode.SUCCESS) {
      // In the words of the version that the server speaks.
      const code = isOld ? connectReturnCode(reasonCode) : reasonCode;
      return this.abort(refusedError(address, code, properties.reasonString));
    }
    if (sessionPresent && connect.cleanStart) throw protocolError('CONNACK goes on with a session'); // [MQTT-3.2.2-2]
    this.#phase = Phase.OPEN;
    this.#timer?.clear();
    this.#timer = undefined;
    const keepAliveS = properties.serverKeepAlive ?? connect.keepAlive;
    // Twice within the Keep Alive: a client must not be silent for longer [MQTT-3.1.2-20].
    if (keepAliveS > 0)
      this.#timer = settings.clock.setTicker(keepAliveS * 500, () => this.#lookForLife(keepAliveS * 500));
    this.hasSubscriptionIdentifiers =
      this.version === 5 && (properties.subscriptionIdentifierAvailable ?? true);
    const options = { maxTopicAliases: settings.maxTopicAliases, label: address.label };
    this.#publishes = new PublishWriter(this.#outbox!, this.version, properties, options);
    owner.onConnected(connack);
  }

  #onPublish(message: ReceivedMessage): void {
    const { settings, owner } = this.#parts;
    const { qos, packetId } = message;
    if (qos > 0) {
      if (qos === 2 && owner.received.has(packetId)) return this.#acknowledgePublish(2, packetId); // [MQTT-4.3.3-10]
      const owed = owner.received.size + this.#owed.size;
      // Before MQTT 5 a broker is not told of one; it has no more Packet Identifiers than that.
      if (owed >= (this.version === 5 ? settings.receiveMaximum : MAX_UINT_16))
        return this.#refuse(ReasonCode.RECEIVE_MAXIMUM_EXCEEDED, 'it sent more than Receive Maximum');
    }
    const isByHand = qos > 0 && settings.acknowledgesByHand;
    if (isByHand) this.#owed.add(message, false);
    const handled = owner.onMessage(message);
    if (qos === 0 || isByHand || this.#phase !== Phase.OPEN) return;
    if (handled === undefined && this.#owed.size === 0) return this.#confirm(message);
    this.#owed.add(message, handled === undefined);
    void handled?.then(() => this.acknowledge(message));
  }

  #confirm({ qos, packetId }: ReceivedMessage): void {
    if (qos === 2) this.#parts.owner.received.add(packetId);
    this.#acknowledgePublish(qos, packetId);
  }

  #acknowledgePublish(qos: QoS, packetId: number): void {
    this.acknowledgeAs(qos === 2 ? PacketType.PUBREC : PacketType.PUBACK, packetId);
  }

  /** Sends one of the four acknowledgements. */
  acknowledgeAs(
    type: AcknowledgementType,
    packetId: number,
    reasonCode: ReasonCode = ReasonCode.SUCCESS,
  ): void {
    const outbox = this.#outbox!;
    writeAcknowledgement(outbox.writer, type, packetId, reasonCode, this.version);
    if (!outbox.acknowledged())
      this.abort(lostError(this.#parts.address.label, 'it does not read what it is sent'));
  }

  #onAcknowledgement(type: AcknowledgementType, framer: Framer): void {
    const { owner, settings } = this.#parts;
    const { bytes, bodyStart, bodyEnd, firstByte } = framer;
    if (bodyEnd - bodyStart === 2 && (firstByte & 0x0f) === 0) {
      const packetId = (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]!;
      if (packetId > 0) return owner.onAcknowledged(type, packetId, ReasonCode.SUCCESS);
    }
    const { packetId, reasonCode } = decodeControl(framer, this.version, settings) as AcknowledgementPacket;
    owner.onAcknowledged(type, packetId, reasonCode);
  }

  #onOther(packet: ControlPacket): void {
    const { owner, address } = this.#parts;
    switch (packet.type) {
      case 'pubrel': {
        const isKnown = owner.received.delete(packet.packetId);
        const code = isKnown ? ReasonCode.SUCCESS : ReasonCode.PACKET_IDENTIFIER_NOT_FOUND;
        return this.acknowledgeAs(PacketType.PUBCOMP, packet.packetId, code);
      }
      case 'suback':
        return owner.onAnswered(packet.packetId, packet.reasonCodes[0]!);
      case 'unsuback':
        return owner.onAnswered(packet.packetId, packet.reasonCodes[0] ?? ReasonCode.SUCCESS);
      case 'pingresp':
        return;
      case 'disconnect':
        return this.abort(lostError(address.label, packet.properties.reasonString, packet.reasonCode));
      default:
        throw protocolError(`a server must not send ${packet.type.toUpperCase()} here`);
    }
  }

  /** The broker is asked for a sign where none came, or nothing was sent; and is given up when it gives none. */
  #lookForLife(periodMs: number): void {
    const { address, blocks } = this.#parts;
    const hasSent = this.#outbox!.takeHasSent();
    // PINGREQ waits behind a large message: a broker that takes of it is alive.
    const hasMoved = this.#outbox!.takeHasMoved();
    const hasReceived = this.#hasReceived;
    this.#hasReceived = false;
    blocks.trim();
    // Who is not listened to cannot be heard.
    if (this.#isPinging && !hasReceived && !hasMoved && !this.#isPaused)
      return this.abort(lostError(address.label, `it gave no sign of life within ${periodMs} ms`));
    this.#isPinging = !hasReceived || !hasSent;
    if (this.#isPinging) this.send({ type: 'pingreq' });
  }

  #onFault(fault: MqttError): void {
    const { address } = this.#parts;
    if (this.#phase === Phase.GREETING) return this.abort(unreachableError(address, fault));
    return this.#refuse(fault.reasonCode, fault.message, fault);
  }

  /** The broker has made a mistake, and is told. */
  #refuse(reasonCode: ReasonCode, why: string, cause?: Error): void {
    const { label } = this.#parts.address;
    this.#goodbye(reasonCode, lostError(label, why, undefined, cause), FAULT_LINGER_MS, FAULT_LINGER_MS);
  }

  #goodbye(reasonCode: ReasonCode, error: MqttClientError, lingerMs: number, stallMs: number): void {
    this.#problem ??= error;
    const isNormal = reasonCode === ReasonCode.NORMAL_DISCONNECTION;
    const properties = isNormal ? this.#parts.settings.disconnectProperties : NO_PROPERTIES;
    if (this.version === 5 || isNormal) this.send({ type: 'disconnect', reasonCode, properties });
    this.#phase = Phase.ENDING;
    this.#outbox!.end(this.#parts.settings.clock, lingerMs, stallMs);
  }

  #end(error: MqttClientError): void {
    if (this.#phase === Phase.ENDED) return;
    this.#phase = Phase.ENDED;
    this.#timer?.clear();
    this.#outbox?.discard();
    this.#framer.close();
    this.#owed.clear();
    this.#parts.owner.onEnded(error);
  }
}
