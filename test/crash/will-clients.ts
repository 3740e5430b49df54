import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import type { CrashRecord, LoadMessage } from './crash-record.ts';
import { LastingClient, type Life } from './lasting-client.ts';
import type { LoadPayload } from './load-publisher.ts';

const DAY_SECONDS = 86_400;
/** How long a Will waits, and its session lasts: it is due when the first of both is over. */
const MANNERS = [
  { willDelayInterval: 0, sessionExpiryInterval: DAY_SECONDS },
  { willDelayInterval: 1, sessionExpiryInterval: DAY_SECONDS },
  { willDelayInterval: 3600, sessionExpiryInterval: 1 },
] as const;

/** Clients that come once, each with a Will, and never come back: some are cut off, others lose the hub. */
export class WillLeavers {
  readonly #record: CrashRecord;
  #count = 0;
  /** Those who were told that they have a session. */
  readonly #known: number[] = [];

  constructor(record: CrashRecord) {
    this.#record = record;
  }

  /** One comes, and it ends with the hub, or at once. */
  async begin(port: number): Promise<Life> {
    const number = ++this.#count;
    const { willDelayInterval, sessionExpiryInterval } = mannerOf(number);
    const client = new TcpWireClient(port);
    const message = { kind: 'will', publisher: 0, qos: 2, number } as const;
    const willMessage = willOf(message, willDelayInterval);
    await client.connect(`leaver-${number}`, { willMessage, properties: { sessionExpiryInterval } });
    this.#record.acknowledged(message);
    this.#known.push(number);
    if (number % 2 === 0) client.destroy();
    return { client, ended: closed(client) };
  }

  /** When all Wills have come: sessions that were to end have ended, and the others are there. */
  async checkSessions(port: number): Promise<void> {
    for (const number of this.#known) {
      const client = new TcpWireClient(port);
      const { sessionPresent } = await client.connect(`leaver-${number}`, { properties: {} });
      client.destroy();
      const isToBeThere = mannerOf(number).sessionExpiryInterval === DAY_SECONDS;
      if (sessionPresent !== isToBeThere)
        this.#record.wrong.push(`the session of leaver ${number} is ${isToBeThere ? 'lost' : 'there still'}`);
      this.#record.count(isToBeThere ? 'sessions' : 'sessions that end');
    }
  }
}

/** A client with a Will at each time, which always comes back before it is due. */
export class WillKeeper extends LastingClient {
  #number = 0;

  constructor(record: CrashRecord) {
    super('will-keeper', 5, record);
  }

  protected override greeting(): Partial<ConnectPacket> {
    const message = { kind: 'never', publisher: 0, qos: 2, number: ++this.#number } as const;
    return { willMessage: willOf(message, 3600) };
  }

  protected override async prepare(): Promise<void> {
    this.record.count('Wills that are not due');
  }

  protected override take(_client: TcpWireClient, _packet: ControlPacket): void {}
}

function mannerOf(number: number): (typeof MANNERS)[number] {
  return MANNERS[number % MANNERS.length]!;
}

function willOf(message: LoadMessage, willDelayInterval: number): ConnectPacket['willMessage'] {
  const payload = JSON.stringify({ ...message, sentAt: performance.now() } satisfies LoadPayload);
  const topicName = `will/${message.kind}`;
  return {
    topicName,
    payload: Buffer.from(payload),
    qos: 2,
    retain: false,
    properties: { willDelayInterval },
  };
}

async function closed(client: TcpWireClient): Promise<void> {
  while ((await client.next()) !== undefined);
}
