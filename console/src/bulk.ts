import { signal } from '@preact/signals';
import { ClientError, ProblemError, type Device } from '../../src/client/index.ts';
import { sayFailure } from './failure.ts';
import { devices, keepDevice } from './live.ts';
import { hub } from './session.ts';

/** A list of devices in a request has at most 8,192 characters. */
const MAX_LIST_CHARACTERS = 8000;
const AT_ONCE = 6;
/** For how long a bulk command waits for this page, when the connection breaks. */
const RESUME_MS = 60_000;

/** What came of it at one device. */
export type BulkResult = { readonly deviceId: string; readonly isGood: boolean; readonly said: string };

export type Bulk = {
  readonly title: string;
  readonly total: number;
  readonly state: 'running' | 'ended' | 'cancelled';
  /** The latest last. */
  readonly results: readonly BulkResult[];
  readonly fault: ClientError | undefined;
};

/** What is being done with many devices, or was done last. */
export const bulk = signal<Bulk | undefined>(undefined);
let ended = new AbortController();

export function cancelBulk(): void {
  ended.abort();
}

/** Does something, and keeps what comes of it at each device, until all have it or somebody cancels. */
async function run(
  title: string,
  total: number,
  results: (signal: AbortSignal) => AsyncIterable<BulkResult>,
): Promise<void> {
  ended.abort();
  const own = new AbortController();
  ended = own;
  const all: BulkResult[] = [];
  const show = (state: Bulk['state'], fault?: ClientError): void => {
    if (ended === own) bulk.value = { title, total, state, results: [...all], fault };
  };
  // What comes together is drawn together.
  let timer: ReturnType<typeof setTimeout> | undefined;
  show('running');
  try {
    for await (const result of results(own.signal)) {
      all.push(result);
      timer ??= setTimeout(() => {
        timer = undefined;
        show('running');
      }, 100);
    }
    clearTimeout(timer);
    show(own.signal.aborted ? 'cancelled' : 'ended');
  } catch (error) {
    clearTimeout(timer);
    if (own.signal.aborted) return show('cancelled');
    if (!(error instanceof ClientError)) throw error;
    show('ended', error);
  }
}

/** Asks all of them the same, as the hub does it, and shows each answer as it comes. */
export function commandAll(ids: readonly string[], command: string, input: unknown): Promise<void> {
  return run(command, ids.length, async function* (signal) {
    for (const device of listsOf(ids)) {
      const wish = { select: { device }, input, resumeForMs: RESUME_MS, signal };
      for await (const line of hub().commandDevices(command, wish)) {
        if (line.type !== 'result') continue;
        const { deviceId, problem, output } = line;
        if (problem === undefined) {
          const said = output == null ? '' : typeof output === 'string' ? output : JSON.stringify(output);
          yield { deviceId, isGood: true, said };
        } else yield { deviceId, isGood: false, said: sayFailure(new ProblemError(problem)) };
      }
    }
  });
}

export function forgetAll(title: string, ids: readonly string[]): Promise<void> {
  return eachOf(title, ids, (id, signal) => hub().devices.forget(id, { signal }));
}

/** Gives all of them a tag, or takes it from them. */
export function tagAll(title: string, ids: readonly string[], tag: string, isGiven: boolean): Promise<void> {
  const known = new Map<string, Device>(devices.peek().map((device) => [device.deviceId, device]));
  return eachOf(title, ids, async (id, signal) => {
    const others = (known.get(id)?.tags ?? []).filter((each) => each !== tag);
    keepDevice(await hub().devices.change(id, { tags: isGiven ? [...others, tag] : others }, { signal }));
  });
}

function eachOf(
  title: string,
  ids: readonly string[],
  act: (id: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  return run(title, ids.length, async function* (signal) {
    for (let at = 0; at < ids.length && !signal.aborted; at += AT_ONCE) {
      yield* await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => resultOf(id, act(id, signal))));
    }
  });
}

async function resultOf(deviceId: string, done: Promise<void>): Promise<BulkResult> {
  try {
    await done;
    return { deviceId, isGood: true, said: '' };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { deviceId, isGood: false, said: sayFailure(error) };
  }
}

/** The ids with commas between them, in as few lists as there is room for. */
function listsOf(ids: readonly string[]): string[] {
  const lists: string[] = [];
  for (const id of ids) {
    const last = lists.at(-1);
    if (last === undefined || last.length + id.length >= MAX_LIST_CHARACTERS) lists.push(id);
    else lists[lists.length - 1] = `${last},${id}`;
  }
  return lists;
}
