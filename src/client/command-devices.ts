import type { BulkBody, BulkLine } from '../api/bulk-schemas.ts';
import type { DeviceSelector } from '../api/schemas.ts';
import { readBulkLine } from './check-answer.ts';
import { HubAnswerError, HubUnreachableError } from './errors.ts';
import { isAway, readAbsence, wait } from './follow-events.ts';
import { askHub, openHubStream, type CallOptions, type HubConnection, type Options } from './hub-request.ts';

const COMMANDS_PATH = '/api/v1/commands';
const RETRY_MS = 1000;
const MAX_LINE_CHARACTERS = 32 * 1024 * 1024;

/**
 * `select` says which devices, by what a list of them is asked with; `{}` is all that you may command. `maxConcurrent` at
 * once [256]; no more once more than the part `stopOnFailureRate` of all has failed. With `resumeForMs` it goes on when
 * the connection breaks, and comes back within that time.
 */
export type BulkOptions = CallOptions &
  Options<Omit<BulkBody, 'command' | 'select'>> & { readonly select: Options<DeviceSelector> };

/**
 * Invokes a command of many devices, and gives what each answered as it comes. Leaving the loop, or `signal`, cancels
 * what has not ended.
 *
 * @throws {ClientError} when it cannot begin, or its connection breaks and it cannot go on
 */
export async function* commandDevices(
  hub: HubConnection,
  timeoutMs: number,
  { command, signal, ...options }: BulkOptions & { readonly command: string },
): AsyncGenerator<BulkLine, void, void> {
  const { resumeForMs } = options;
  let id: string | undefined;
  let last = 0;
  let leftAt = 0;
  try {
    for (;;) {
      const ended = new AbortController();
      const either = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
      try {
        const question =
          id === undefined
            ? ({ method: 'POST', path: COMMANDS_PATH, body: { command, ...options } } as const)
            : ({ method: 'GET', path: `${COMMANDS_PATH}/${id}?after=${last}` } as const);
        const mediaType = 'application/x-ndjson';
        const response = await openHubStream(hub, { ...question, timeoutMs, signal: either, mediaType });
        leftAt = 0;
        for await (const line of readLines(hub.url, response.body!)) {
          if (line.type === 'begin') ({ id } = line);
          else if (line.type === 'missed') last += line.count;
          else last = line.n;
          yield line;
          if (line.type === 'end') return;
        }
        throw new HubUnreachableError({ url: hub.url, reason: 'broken', safeToRetry: false });
      } catch (caught) {
        if (signal?.aborted === true) throw signal.reason;
        const error = readAbsence(hub.url, caught);
        leftAt ||= performance.now();
        const isOver = resumeForMs === undefined || performance.now() - leftAt > resumeForMs;
        if (id === undefined || isOver || !isAway(error)) throw error;
      } finally {
        // Also where nobody wants more lines.
        ended.abort();
      }
      await wait(RETRY_MS, signal);
    }
  } finally {
    // It would wait for this caller; of one that has ended, what was kept for it goes.
    if (id !== undefined && resumeForMs !== undefined) await cancel(hub, timeoutMs, id);
  }
}

/** Where the hub is away, it ends by itself. */
async function cancel(hub: HubConnection, timeoutMs: number, id: string): Promise<void> {
  const path = `${COMMANDS_PATH}/${id}`;
  const asked = { method: 'DELETE', path, timeoutMs, idempotent: true, read: () => undefined } as const;
  await askHub(hub, asked).catch(() => {});
}

async function* readLines(
  url: string,
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<BulkLine, void, void> {
  const fault = (detail: string): HubAnswerError =>
    new HubAnswerError({ url, status: 200, detail, safeToRetry: false });
  const decoder = new TextDecoder('utf-8');
  const reader = body.getReader();
  /** Of a line that has not come to its end. */
  let parts: string[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const [first = '', ...others] = decoder.decode(value, { stream: true }).split('\n');
    parts.push(first);
    length += first.length;
    if (length > MAX_LINE_CHARACTERS)
      throw fault(`has a line of more than ${MAX_LINE_CHARACTERS} characters`);
    for (const begun of others) {
      const read = readBulkLine(parts.join(''));
      parts = [begun];
      length = begun.length;
      if (read === undefined) continue;
      if (!read.ok) throw fault(read.failure);
      yield read.value;
    }
  }
}
