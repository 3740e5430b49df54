/** What the sensor can show, in whole °C. */
export const MIN_TEMPERATURE = -49;
export const MAX_TEMPERATURE = 299;
const FULL_TURN = 2 * Math.PI;

/** A temperature that moves slowly, as in a room: a sine with a little noise, in whole degrees. */
export class Wave {
  readonly #center: number;
  readonly #amplitude: number;
  readonly #periodMs: number;
  readonly #noise: number;
  readonly #random: () => number;
  readonly #phase: number;

  /**
   * @param options - `center`, `amplitude` and `noise` in °C; `random` (0 to 1) gives the noise, and where in its
   *   turn this wave begins, so that many sensors differ
   */
  constructor(
    options: {
      center?: number;
      amplitude?: number;
      periodMs?: number;
      noise?: number;
      random?: () => number;
    } = {},
  ) {
    this.#center = options.center ?? 25;
    this.#amplitude = options.amplitude ?? 8;
    this.#periodMs = options.periodMs ?? 300_000;
    this.#noise = options.noise ?? 0.6;
    this.#random = options.random ?? Math.random;
    this.#phase = this.#random() * FULL_TURN;
  }

  /** The temperature at a moment, in °C: a whole number from −49 to 299. */
  at(timeMs: number): number {
    const turn = ((timeMs % this.#periodMs) / this.#periodMs) * FULL_TURN;
    const noise = (this.#random() * 2 - 1) * this.#noise;
    const value = Math.round(this.#center + this.#amplitude * Math.sin(turn + this.#phase) + noise);
    return Math.max(MIN_TEMPERATURE, Math.min(MAX_TEMPERATURE, value));
  }
}
