const MIN_TEMPERATURE = -49;
const MAX_TEMPERATURE = 299;

export type PowerResult = 'turned-on' | 'already-on' | 'turned-off' | 'already-off';

/** The nearest temperature that the sensor can show. */
export function clampTemperature(value: number): number {
  return Math.max(MIN_TEMPERATURE, Math.min(MAX_TEMPERATURE, Math.round(value)));
}

/** A temperature sensor, without its connection: off at first, and without a temperature until one is set. */
export class SensorModel {
  #isOn: boolean;
  #temperature: number | undefined = undefined;
  /** Called after each change, whoever made it. */
  onChange: () => void = () => {};

  constructor(options: { isOn?: boolean } = {}) {
    this.#isOn = options.isOn === true;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** In °C. */
  get temperature(): number | undefined {
    return this.#temperature;
  }

  turnOn(): PowerResult {
    if (this.#isOn) return 'already-on';
    this.#isOn = true;
    this.onChange();
    return 'turned-on';
  }

  turnOff(): PowerResult {
    if (!this.#isOn) return 'already-off';
    this.#isOn = false;
    this.onChange();
    return 'turned-off';
  }

  /** Takes a whole number from −49 to 299; false, and nothing changes, when it is another. */
  setTemperature(value: number): boolean {
    if (!Number.isInteger(value) || value < MIN_TEMPERATURE || value > MAX_TEMPERATURE) return false;
    if (value === this.#temperature) return true;
    this.#temperature = value;
    this.onChange();
    return true;
  }
}
