import { createHash } from 'node:crypto';
import type { Clock } from '../../src/base/clock.ts';
import type { Bus, BusMessage } from '../../src/bus/bus.ts';

/** What a hostile responder does with a request. */
const DEEDS = ['answer', 'late', 'twice', 'twice later', 'never', 'out of order', 'garbage first'] as const;
type Deed = (typeof DEEDS)[number];

export type HostileOptions = {
  readonly random: () => number;
  readonly clock: Clock;
  readonly requestTopic: string;
  readonly responseTopic: string;
  /** Sends Correlation Data back: not, sometimes, or always. */
  readonly correlates: 'never' | 'sometimes' | 'always';
  /** The longest that a second answer stays behind the first. */
  readonly repeatMs: number;
  /** How long after the request a late answer comes. */
  readonly lateMs: number;
};

/** What belongs to a request and to no other, without being the request. */
export function fingerprint(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex').slice(0, 16);
}

/** A seeded generator of numbers from 0 to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Answers on one topic as badly as it can: late, twice at once, twice with a pause, never, the last one first, after
 * garbage. Its answers hold the fingerprint of their request.
 */
export async function serveHostile(bus: Bus, options: HostileOptions): Promise<void> {
  const { random, clock } = options;
  let held: (() => void) | undefined;

  const publish = (payload: string, request?: BusMessage): void => {
    const { correlationData } = request?.properties ?? {};
    const isSent = options.correlates === 'always' || (options.correlates === 'sometimes' && random() < 0.5);
    const properties = correlationData !== undefined && isSent ? { correlationData } : {};
    bus
      .publish({ topicName: options.responseTopic, payload: Buffer.from(payload), qos: 1, properties })
      .catch(() => {}); // The test is over.
  };
  const answer = (request: BusMessage): void => {
    publish(JSON.stringify({ of: fingerprint(request.payload) }), request);
  };
  const later = (delayMs: number, call: () => void): void => void clock.setTimer(delayMs, call);

  const deeds: Readonly<Record<Deed, (request: BusMessage) => void>> = {
    answer,
    late: (request) => later(options.lateMs, () => answer(request)),
    twice: (request) => {
      answer(request);
      answer(request);
    },
    'twice later': (request) => {
      answer(request);
      later(random() * options.repeatMs, () => answer(request));
    },
    never: () => {},
    'out of order': (request) => {
      // Held back until another request has been answered, or it is late.
      held?.();
      const release = (): void => {
        if (held === release) held = undefined;
        else return;
        answer(request);
      };
      held = release;
      later(options.lateMs, release);
    },
    'garbage first': (request) => {
      publish(random() < 0.5 ? '\0\u0001garbage' : '{"of":"nobody"}');
      later(random() * options.repeatMs, () => answer(request));
    },
  };

  await bus.subscribe(options.requestTopic, { qos: 1 }, (request) => {
    const deed = DEEDS[random() < 0.5 ? 0 : Math.floor(random() * DEEDS.length)] ?? 'answer';
    deeds[deed](request);
  });
}
