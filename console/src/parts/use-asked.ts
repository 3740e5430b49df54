import { signal, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ClientError } from '../../../src/client/index.ts';
import { link } from '../live.ts';

export type Asked<Value> = {
  readonly value: ReadonlySignal<Value | undefined>;
  /** Why the hub did not tell, when it was asked last; the value is what it told before. */
  readonly fault: ReadonlySignal<ClientError | undefined>;
  readonly askAgain: () => void;
};

/**
 * Asks the hub, and again when it comes back. Of what it tells no events, as rates, it is asked again `everyMs` as long
 * as somebody looks.
 */
export function useAsked<Value>(
  ask: (signal: AbortSignal) => Promise<Value>,
  deps: readonly unknown[],
  everyMs?: number,
): Asked<Value> {
  const asked = useMemo(() => {
    const value = signal<Value | undefined>(undefined);
    const fault = signal<ClientError | undefined>(undefined);
    const ended = new AbortController();
    const askAgain = (): void => {
      ask(ended.signal).then(
        (told) => {
          value.value = told;
          fault.value = undefined;
        },
        (error: unknown) => {
          if (ended.signal.aborted) return;
          if (!(error instanceof ClientError)) throw error;
          fault.value = error;
        },
      );
    };
    return { value, fault, askAgain, end: () => ended.abort() };
  }, deps);
  const isLive = link.value.kind === 'live';
  useEffect(() => {
    asked.askAgain();
    if (everyMs === undefined || !isLive) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) asked.askAgain();
    }, everyMs);
    return () => clearInterval(timer);
  }, [asked, isLive]);
  useEffect(() => asked.end, [asked]);
  return asked;
}
