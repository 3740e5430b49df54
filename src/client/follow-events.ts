import type { EventResource, EventType, TicketBody } from '../api/event-schemas.ts';
import { readEventData } from './check-answer.ts';
import { HubAnswerError, HubUnreachableError, ProblemError, type ClientError } from './errors.ts';
import { listQuery } from './hub-paths.ts';
import { openHubStream, type HubConnection, type Options } from './hub-request.ts';

const EVENTS_PATH = '/api/v1/events';
const FIRST_RETRY_MS = 1000;
const DEFAULT_MAX_RETRY_MS = 30_000;
/** A hub says something every 15 s, unless it was told otherwise. */
const DEFAULT_SILENCE_MS = 45_000;
const MAX_BLOCK_CHARACTERS = 4 * 1024 * 1024;
/** What proxies answer while the hub behind them is away. */
const AWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

/** The kinds of events that can be asked for. */
export type EventKind = Exclude<EventType, 'missed' | 'reset'>;

type ToldEvent = {
  [T in EventType]: { readonly type: T; readonly id: string } & EventResource<T>;
}[EventType];

/**
 * One thing that happened at a device; or to the stream itself: `connected` (again; `isResumed`: nothing was lost
 * meanwhile), `disconnected`, `missed` (so many were lost, because they were not read in time), `reset` (what happened
 * since the last connection is not known: ask for what there is).
 */
export type HubEvent =
  | ToldEvent
  | { readonly type: 'connected'; readonly isResumed: boolean }
  | { readonly type: 'disconnected'; readonly error: ClientError; readonly retryInMs: number };

export type EventOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Only these; they need not be known yet. */
  readonly devices?: readonly string[] | undefined;
  /** Only those that are so when it happens, as in the list of devices. */
  readonly gateway?: string | undefined;
  readonly tag?: string | undefined;
  readonly q?: string | undefined;
  /** Only these. */
  readonly kinds?: readonly EventKind[] | undefined;
  /** The `id` of the event after which to go on. */
  readonly lastEventId?: string | undefined;
  /** How long the hub may be silent before it is taken for lost, in ms [45 000]: three times its `events.keepAliveMs`. */
  readonly silenceMs?: number | undefined;
  /** How long to wait at most before coming back to a hub that is away, in ms [30 000]. */
  readonly maxRetryMs?: number | undefined;
};

/**
 * Follows what happens at the devices of a hub, and comes back by itself when the connection breaks.
 *
 * @throws {ClientError} when the first connection cannot be made, or the hub refuses: an older one, which has no
 *   events, with `ROUTE_UNKNOWN`
 */
export async function* followEvents(
  hub: HubConnection,
  timeoutMs: number,
  options: EventOptions,
): AsyncGenerator<HubEvent, void, void> {
  const path = EVENTS_PATH + listQuery(eventWish(options));
  const { silenceMs = DEFAULT_SILENCE_MS, maxRetryMs = DEFAULT_MAX_RETRY_MS } = options;
  let lastEventId = options.lastEventId;
  let isKnown = false;
  let retryMs = FIRST_RETRY_MS;
  for (;;) {
    const ended = new AbortController();
    const signal =
      options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
    let error: ClientError;
    try {
      const response = await openHubStream(hub, {
        method: 'GET',
        path,
        timeoutMs,
        signal,
        ...(lastEventId !== undefined && { headers: { 'last-event-id': lastEventId } }),
        mediaType: 'text/event-stream',
      });
      const isResumed = lastEventId !== undefined;
      isKnown = true;
      yield { type: 'connected', isResumed };
      for await (const block of readBlocks(hub.url, response.body!, silenceMs)) {
        retryMs = FIRST_RETRY_MS;
        lastEventId = block.id ?? lastEventId;
        const event = readEvent(hub.url, block);
        if (event !== undefined) yield event;
      }
      error = new HubUnreachableError({ url: hub.url, reason: 'broken', safeToRetry: true });
    } catch (caught) {
      if (options.signal?.aborted === true) throw options.signal.reason;
      error = readAbsence(hub.url, caught);
      if (!isKnown || !isAway(error)) throw error;
    } finally {
      // Also where nobody wants more events.
      ended.abort();
    }
    const retryInMs = Math.round(retryMs * (0.5 + Math.random() / 2));
    yield { type: 'disconnected', error, retryInMs };
    await wait(retryInMs, options.signal);
    retryMs = Math.min(retryMs * 2, maxRetryMs);
  }
}

/** What is wanted, in the words of the API. */
export function eventWish({ devices = [], kinds = [], gateway, tag, q }: EventOptions): Options<TicketBody> {
  return {
    ...(devices.length > 0 && { device: devices.join(',') }),
    ...(kinds.length > 0 && { kind: kinds.join(',') }),
    gateway,
    tag,
    q,
  };
}

/** The connection broke in the middle of the stream: the system's error, or the silence. */
export function readAbsence(url: string, error: unknown): ClientError {
  if (error instanceof ProblemError || error instanceof HubAnswerError) return error;
  if (error instanceof HubUnreachableError) return error;
  const reason = error instanceof SilenceError ? 'timeout' : 'broken';
  return new HubUnreachableError({ url, reason, safeToRetry: true, cause: error });
}

/** Whether it is worth coming back: what a hub refuses, it refuses again. */
export function isAway(error: ClientError): boolean {
  if (error instanceof HubAnswerError) return AWAY_STATUSES.has(error.status);
  if (error instanceof ProblemError) return error.code === 'HUB_STOPPING' || error.status === 429;
  return true;
}

type Block = { readonly id: string | undefined; readonly event: string; readonly data: string | undefined };

class SilenceError extends Error {
  override readonly name = 'SilenceError';
}

/** The blocks of a stream, also those that have no event. Throws a `SilenceError` when nothing comes for so long. */
async function* readBlocks(
  url: string,
  body: ReadableStream<Uint8Array>,
  silenceMs: number,
): AsyncGenerator<Block, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder('utf-8');
  const cutter = new BlockCutter();
  for (;;) {
    const { done, value } = await withinSilence(reader.read(), silenceMs);
    if (done) return;
    yield* cutter.cut(decoder.decode(value, { stream: true }));
    if (cutter.length > MAX_BLOCK_CHARACTERS) {
      const detail = `has an event of more than ${MAX_BLOCK_CHARACTERS} characters`;
      throw new HubAnswerError({ url, status: 200, detail, safeToRetry: true });
    }
  }
}

/** Cuts text at its empty lines. Each part is searched once, and joined once: a hub may send single bytes. */
class BlockCutter {
  #parts: string[] = [];
  /** Characters of the block that is not whole. */
  length = 0;

  *cut(text: string): Generator<Block, void, void> {
    let start = 0;
    // The two ends of lines may come in two parts.
    if (text.startsWith('\n') && this.#parts.at(-1)?.endsWith('\n') === true) {
      yield this.#end('');
      start = 1;
    }
    for (let end = text.indexOf('\n\n', start); end >= 0; end = text.indexOf('\n\n', start)) {
      yield this.#end(text.slice(start, end));
      start = end + 2;
    }
    if (start === text.length) return;
    this.#parts.push(text.slice(start));
    this.length += text.length - start;
  }

  #end(text: string): Block {
    const block = readBlock(this.#parts.join('') + text);
    this.#parts = [];
    this.length = 0;
    return block;
  }
}

async function withinSilence<T>(read: Promise<T>, silenceMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SilenceError(`nothing came within ${silenceMs} ms`)), silenceMs);
  });
  try {
    return await Promise.race([read, silent]);
  } finally {
    clearTimeout(timer);
  }
}

function readBlock(text: string): Block {
  let id: string | undefined;
  let event = '';
  let data: string | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('id: ')) id = line.slice(4);
    else if (line.startsWith('event: ')) event = line.slice(7);
    else if (line.startsWith('data: ')) data = line.slice(6);
  }
  return { id, event, data };
}

/** Undefined for a block without an event, and for a type that a newer hub may have. */
function readEvent(url: string, { id = '', event, data }: Block): ToldEvent | undefined {
  if (data === undefined) return undefined;
  const read = readEventData(event, data);
  if (read === undefined) return undefined;
  if (!read.ok) throw new HubAnswerError({ url, status: 200, detail: read.failure, safeToRetry: true });
  return { type: event, id, ...read.value } as ToldEvent;
}

export async function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, delayMs);
    if (signal?.aborted === true) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });
}
