import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import type { CrashRecord } from './crash-record.ts';

/** One network connection of a client; `ended` when it is gone. */
export type Life = { readonly client: TcpWireClient; readonly ended: Promise<void> };

/** A client whose state outlives its connections and the hub, as the standard wants it of clients. */
export abstract class LastingClient {
  readonly clientId: string;
  readonly version: ProtocolVersion;
  protected readonly record: CrashRecord;
  /** When its connection began to be made: the hub sent nothing on it before. */
  protected connectedAt = 0;
  #hadSession = false;
  #current: TcpWireClient | undefined;

  constructor(clientId: string, version: ProtocolVersion, record: CrashRecord) {
    this.clientId = clientId;
    this.version = version;
    this.record = record;
  }

  /**
   * Connects, and does its part until the connection is gone. Where it has a connection, it takes its session over from
   * that one, and takes nothing more that comes there.
   *
   * @returns when it has its session
   */
  async begin(port: number): Promise<Life> {
    const client = new TcpWireClient(port, this.version);
    const former = this.#current;
    this.#current = client;
    this.connectedAt = performance.now();
    const { sessionPresent } = await client.connect(this.clientId, this.greeting());
    former?.destroy();
    // MQTT 3.1 does not say it.
    if (this.#hadSession && !sessionPresent && this.version !== 3)
      this.record.wrong.push(`the session of ${this.clientId} is lost`);
    await this.prepare(client, !this.#hadSession);
    if (!this.#hadSession) this.record.count('sessions');
    this.#hadSession = true;
    return { client, ended: this.#serve(client) };
  }

  /** Of its CONNECT, beyond what all have. */
  protected greeting(): Partial<ConnectPacket> {
    return {};
  }

  /** @param isNew - it has never had its session */
  protected abstract prepare(client: TcpWireClient, isNew: boolean): Promise<void>;
  protected abstract take(client: TcpWireClient, packet: ControlPacket): void;

  async #serve(client: TcpWireClient): Promise<void> {
    for (let packet = await client.next(); packet !== undefined; packet = await client.next())
      if (client === this.#current) this.take(client, packet);
  }
}
