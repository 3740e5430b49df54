import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';
import type { Json } from './json.ts';
import { until } from './until.ts';

/** One block of a stream of Server-Sent Events. */
export type StreamBlock = { readonly id: string; readonly event: string; readonly data: Json };

/** Reads a stream of events by nothing but HTTP: what a hub tells, block by block. */
export class EventStreamReader {
  readonly response: IncomingMessage;
  readonly blocks: StreamBlock[] = [];
  /** Lines that begin with a colon. */
  readonly comments: string[] = [];
  /** The id that came last, with or without an event. */
  lastId = '';
  #rest = '';
  isClosed = false;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#take(text));
    response.on('error', () => {});
    response.on('close', () => (this.isClosed = true));
  }

  /** Opens a stream; its head has come. */
  static async open(
    t: TestContext,
    url: string,
    {
      path = '/api/v1/events',
      query = '',
      headers = {},
    }: { path?: string; query?: string; headers?: Record<string, string> } = {},
  ): Promise<EventStreamReader> {
    const asked = request(`${url}${path}${query}`, { headers, agent: false });
    t.after(() => asked.destroy());
    asked.on('error', () => {});
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const reader = new EventStreamReader(response);
    if (response.statusCode === 200) await until('the stream has begun', () => reader.lastId !== '');
    return reader;
  }

  /** Waits until so many events have come, and tells each in short. */
  async told(count: number): Promise<string[]> {
    await until(`${count} events`, () => this.blocks.length >= count);
    return this.blocks.map(({ event, data }) => {
      const what = data?.metric ?? data?.name ?? data?.presence?.status ?? data?.invocation?.state;
      return [event, data?.deviceId, what ?? data?.reason ?? data?.count].filter(Boolean).join(' ');
    });
  }

  close(): void {
    this.response.destroy();
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map<string, string>();
      for (const line of block.split('\n')) {
        if (line.startsWith(':')) this.comments.push(line);
        else fields.set(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2));
      }
      this.lastId = fields.get('id') ?? this.lastId;
      const data = fields.get('data');
      if (data === undefined) continue;
      this.blocks.push({ id: this.lastId, event: fields.get('event') ?? '', data: JSON.parse(data) });
    }
  }
}
