import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { ChildProgram } from '../../helpers/child-program.ts';
import { PYTHON, whyNoPaho } from '../../helpers/paho.ts';
import { until } from '../../helpers/until.ts';
import type { InteropDriver, ListenOptions, PublishOptions, ReceivedMessage } from './interop-driver.ts';

const SCRIPT = fileURLToPath(new URL('paho_client.py', import.meta.url));

type Event = {
  readonly event: 'connected' | 'disconnected' | 'subscribed' | 'published' | 'message';
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
};

/** One process with one client of Paho. */
export class PahoClient {
  readonly #child = new ChildProgram([PYTHON, '-u', SCRIPT], { name: 'paho' });
  #parsed: Event[] = [];

  get events(): readonly Event[] {
    for (const line of this.#child.lines.slice(this.#parsed.length))
      this.#parsed.push(JSON.parse(line) as Event);
    return this.#parsed;
  }

  get messages(): ReceivedMessage[] {
    return this.events
      .filter(({ event }) => event === 'message')
      .map(({ topic, payload, qos, retain }) => ({
        topic,
        payload: Buffer.from(payload, 'base64'),
        qos,
        retain,
      }));
  }

  order(order: object): void {
    this.#child.say(JSON.stringify(order));
  }

  async untilEvent(name: Event['event'], count = 1): Promise<void> {
    const isThere = (): boolean => {
      if (this.#child.hasExited) throw new Error(`paho ended: ${this.#child.errorText}`);
      return this.events.filter(({ event }) => event === name).length >= count;
    };
    await until(`paho: ${count} ${name}`, isThere, 20_000);
  }

  async connect(port: number, options: Omit<ListenOptions, 'topicFilter' | 'qos'>): Promise<void> {
    const { version, clientId, isDurable = false, will } = options;
    this.order({ do: 'connect', port, version, clientId, isDurable, ...(will !== undefined && { will }) });
    await this.untilEvent('connected');
  }

  async subscribe(topicFilter: string, qos: number): Promise<void> {
    this.order({ do: 'subscribe', topicFilter, qos });
    await this.untilEvent('subscribed');
  }

  async publish(
    { topic, qos = 0, retain = false }: Omit<PublishOptions, 'payload' | 'version'>,
    payloads: readonly (string | Uint8Array)[],
    properties?: object,
  ): Promise<void> {
    const encoded = payloads.map((payload) => Buffer.from(payload).toString('base64'));
    this.order({
      do: 'publish',
      topic,
      qos,
      retain,
      payloads: encoded,
      ...(properties !== undefined && { properties }),
    });
    await this.untilEvent('published', payloads.length);
  }

  async leave(): Promise<void> {
    this.order({ do: 'disconnect' });
    await this.#child.exit();
  }

  async breakOff(): Promise<void> {
    this.#child.signal('SIGKILL');
    await this.#child.exit();
  }
}

export const pahoDriver: InteropDriver = {
  name: 'Paho for Python',
  skip: whyNoPaho(),
  usesReasonCodes: false,

  async listen({ port }, options) {
    const client = new PahoClient();
    await client.connect(port, options);
    await client.subscribe(options.topicFilter, options.qos ?? 0);
    return client;
  },

  async publish(broker, { payload, ...options }) {
    await this.publishLines(broker, options, [payload as string]);
  },

  async publishLines({ port }, { version, ...options }, lines) {
    const client = new PahoClient();
    await client.connect(port, { version, clientId: `paho-${randomUUID().slice(0, 8)}` });
    await client.publish(options, lines);
    await client.leave();
  },
};
