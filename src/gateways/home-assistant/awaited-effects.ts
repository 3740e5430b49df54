import { WheelTimer } from '../../base/timer-wheel.ts';
import type { Invocation } from '../../devices/invocation.ts';
import type { MetricValue } from '../../devices/reading.ts';
import type { HomeAssistantContext } from './gateway-context.ts';

/** A number that a device rounds is still the one that it was told. */
const TOLERANCE = 0.01;

type Effect = {
  readonly invocation: Invocation;
  readonly metric: string;
  readonly wanted: MetricValue;
  readonly timer: WheelTimer;
};

/** Commands of one device whose effect its state will show. */
export class AwaitedEffects {
  readonly #context: HomeAssistantContext;
  readonly #effects = new Map<Invocation, Effect>();

  constructor(context: HomeAssistantContext) {
    this.#context = context;
  }

  /** Waits for a value of a metric. What it was before the command proves nothing. */
  add(invocation: Invocation, metric: string, wanted: MetricValue): void {
    this.#effects.set(invocation, { invocation, metric, wanted, timer: new WheelTimer(() => {}) });
  }

  /**
   * The broker has the command: from here on its effect has so long.
   *
   * @param latest - the value that the state shows now
   */
  expect(invocation: Invocation, expectedMs: number, latest: () => MetricValue | undefined): void {
    const effect = this.#effects.get(invocation);
    if (effect === undefined) return;
    const timer = new WheelTimer(() => this.#onTimeout(effect, expectedMs, latest()));
    this.#effects.set(invocation, { ...effect, timer });
    const { alarms, clock } = this.#context;
    alarms.set(timer, clock.monotonic() + expectedMs);
  }

  /** A state shows a value: commands that wanted it are completed. */
  show(metric: string, value: MetricValue): void {
    for (const effect of this.#effects.values())
      if (effect.metric === metric && isShown(value, effect.wanted)) this.#complete(effect);
  }

  /** False when it is not awaited any more. */
  take(invocation: Invocation): boolean {
    const effect = this.#effects.get(invocation);
    if (effect === undefined) return false;
    this.#context.alarms.clear(effect.timer);
    return this.#effects.delete(invocation);
  }

  /** Nothing is awaited any more: what was. */
  takeAll(): readonly Invocation[] {
    const invocations = [...this.#effects.keys()];
    for (const invocation of invocations) this.take(invocation);
    return invocations;
  }

  #complete({ invocation }: Effect): void {
    if (!this.take(invocation)) return;
    this.#context.counters.effectsSeen++;
    invocation.answer({ effect: 'seen' });
  }

  #onTimeout(effect: Effect, expectedMs: number, latest: MetricValue | undefined): void {
    const { invocation, metric, wanted } = effect;
    // It was so before, and a device may say nothing then.
    if (latest !== undefined && isShown(latest, wanted)) return this.#complete(effect);
    if (!this.take(invocation)) return;
    this.#context.counters.effectsUnseen++;
    const got = invocation.deliveredAt > 0 ? 'got' : 'was sent';
    const shows = latest === undefined ? 'shows nothing' : `still shows ${JSON.stringify(latest)}`;
    invocation.fail({
      code: 'ANSWER_TIMEOUT',
      message:
        `Device ${invocation.deviceId} ${got} the command, and its effect was not seen within ${expectedMs} ms: ` +
        `${metric} ${shows} and not ${JSON.stringify(wanted)}.`,
    });
  }
}

function isShown(value: MetricValue, wanted: MetricValue): boolean {
  if (typeof value === 'number' && typeof wanted === 'number') return Math.abs(value - wanted) <= TOLERANCE;
  return value === wanted;
}
