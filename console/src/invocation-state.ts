import { signal, type Signal } from '@preact/signals';
import {
  ClientError,
  type HubEvent,
  type Invocation,
  type InvocationListOptions,
} from '../../src/client/index.ts';
import { follow } from './live.ts';
import { hub } from './session.ts';

const PAGE_INVOCATIONS = 100;

export type InvocationFilter = Pick<InvocationListOptions, 'deviceId' | 'command' | 'state'>;

/** The latest that a filter lets through, as many as were asked for. */
export type InvocationsState = {
  readonly invocations: Signal<readonly Invocation[] | undefined>;
  readonly fault: Signal<ClientError | undefined>;
  /** From where on there are more. */
  readonly cursor: Signal<string | undefined>;
};

/** Asks for invocations, and follows what becomes of them, until `end` is called. */
export function followInvocations(filter: InvocationFilter): {
  readonly state: InvocationsState;
  readonly more: () => Promise<void>;
  readonly end: () => void;
} {
  const state: InvocationsState = {
    invocations: signal(undefined),
    fault: signal(undefined),
    cursor: signal(undefined),
  };
  const ended = new AbortController();
  const load = async (cursor?: string): Promise<void> => {
    try {
      const page = await hub().invocations.list({
        ...filter,
        limit: PAGE_INVOCATIONS,
        cursor,
        signal: ended.signal,
      });
      const before = cursor === undefined ? [] : (state.invocations.peek() ?? []);
      state.invocations.value = [...before, ...page.invocations];
      state.cursor.value = page.nextCursor;
      state.fault.value = undefined;
    } catch (error) {
      if (ended.signal.aborted) return;
      if (!(error instanceof ClientError)) throw error;
      state.fault.value = error;
    }
  };
  const unfollow = follow((event) => {
    if (event.type === 'invocation') apply(event.invocation, filter, state);
    else if (isNewBegin(event)) void load();
  });
  void load();
  return {
    state,
    more: () => load(state.cursor.peek()),
    end: () => {
      unfollow();
      ended.abort();
    },
  };
}

/** Whether something may have happened that nobody told. */
function isNewBegin(event: HubEvent): boolean {
  return (
    event.type === 'reset' || event.type === 'missed' || (event.type === 'connected' && !event.isResumed)
  );
}

function apply(
  invocation: Invocation,
  filter: InvocationFilter,
  { invocations, cursor }: InvocationsState,
): void {
  const known = invocations.peek();
  if (known === undefined) return;
  const { deviceId, command, state } = filter;
  const fits =
    (deviceId === undefined || deviceId === invocation.deviceId) &&
    (command === undefined || command === invocation.command) &&
    (state === undefined || state === invocation.state);
  const others = known.filter(({ id }) => id !== invocation.id);
  const last = known.at(-1);
  // One older than all that are shown stands on a later page.
  const isLater = cursor.peek() !== undefined && last !== undefined && invocation.id < last.id;
  if (fits && !isLater) others.push(invocation);
  invocations.value = others.sort((one, other) => (one.id < other.id ? 1 : -1));
}
