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

/** What the datagrams of one plain device say. */
export class PlainTelemetry {
  readonly #context: SessionContext;
  /** The text of each metric seen last, so that a steady value is not parsed again. */
  readonly #quantities = new Map<string, { text: unknown; quantity: Quantity }>();

  constructor(context: SessionContext) {
    this.#context = context;
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
      if (!device.telemetry.observe(metric, value, unit, now)) this.#context.counters.readingsRefused++;
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
