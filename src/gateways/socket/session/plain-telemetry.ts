import { readLiteral } from '../../../base/literal/reader.ts';
import type { Device } from '../../../devices/device.ts';
import { MAX_METRICS_PER_DEVICE } from '../../../devices/telemetry.ts';
import {
  readPlainDatagram,
  readQuantity,
  VALID,
  type PlainReading,
  type Quantity,
} from '../wire/plain-reading.ts';
import type { SessionContext } from './device-session.ts';
import { ReadingWarnings } from './reading-warnings.ts';

/** What the datagrams of one plain device say. */
export class PlainTelemetry {
  readonly #context: SessionContext;
  readonly #warnings: ReadingWarnings;
  /** The text of each metric seen last, so that a steady value is not parsed again. */
  readonly #quantities = new Map<string, { text: unknown; quantity: Quantity }>();

  constructor(context: SessionContext) {
    this.#context = context;
    this.#warnings = new ReadingWarnings(context.logBudget);
  }

  /** Reads a datagram and keeps its readings as the device's latest; undefined when it cannot be read. */
  take(bytes: Buffer, device: Device): PlainReading | undefined {
    const result = readLiteral(bytes, 0, bytes.length, this.#context.options.maxNestingDepth);
    const reading = result.ok ? readPlainDatagram(result.value) : undefined;
    if (reading === undefined) return undefined;
    const now = this.#context.clock.now();
    device.lastSeen = now;
    if (!reading.valid) {
      device.telemetry.observeUnavailable(reading.reason, now);
      return reading;
    }
    for (const metric in reading.values) {
      if (metric === VALID) continue;
      const { value, unit } = this.#quantity(metric, reading.values[metric]);
      const fault = device.telemetry.observe(metric, value, unit, now);
      if (fault === undefined) continue;
      this.#context.counters.readingsRefused++;
      this.#warnings.tell(device.id, metric, `${fault}; the reading was left out`);
    }
    return reading;
  }

  #quantity(metric: string, text: unknown): Quantity {
    const seen = this.#quantities.get(metric);
    if (seen !== undefined && seen.text === text) return seen.quantity;
    const quantity = readQuantity(text);
    if (seen !== undefined) {
      seen.text = text;
      seen.quantity = quantity;
    } else if (this.#quantities.size < MAX_METRICS_PER_DEVICE) {
      this.#quantities.set(metric, { text, quantity });
    }
    return quantity;
  }
}
