import { readLiteral } from '../../../base/literal/reader.ts';
import type { Device } from '../../../devices/device.ts';
import {
  readPlainDatagram,
  readQuantity,
  VALID,
  type PlainReading,
  type Quantity,
} from '../wire/plain-reading.ts';
import type { SessionContext } from './device-session.ts';
import { ReportWarnings } from '../../report-warnings.ts';

/** A number with its unit is shorter. */
const MAX_REMEMBERED_CHARACTERS = 48;

/** What the datagrams of one plain device say. */
export class PlainTelemetry {
  readonly #context: SessionContext;
  readonly #warnings: ReportWarnings;
  /** The text of each metric seen last, so that a steady value is not parsed again. */
  readonly #quantities = new Map<string, { readonly text: string; readonly quantity: Quantity }>();

  constructor(context: SessionContext) {
    this.#context = context;
    this.#warnings = new ReportWarnings('readings', context.logBudget);
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
      const text = reading.values[metric];
      const seen = this.#quantities.get(metric);
      const quantity = seen !== undefined && seen.text === text ? seen.quantity : readQuantity(text);
      const fault = device.telemetry.observe(metric, quantity.value, quantity.unit, now);
      if (fault === undefined) {
        if (seen?.quantity !== quantity) this.#remember(metric, text, quantity);
        continue;
      }
      this.#context.counters.readingsRefused++;
      this.#warnings.tell(device.id, metric, `${fault}; the reading was left out`);
    }
    return reading;
  }

  /** Only short texts, of metrics that are kept: the others would be kept here, and booked to nobody. */
  #remember(metric: string, text: unknown, quantity: Quantity): void {
    if (typeof text === 'string' && text.length <= MAX_REMEMBERED_CHARACTERS)
      this.#quantities.set(metric, { text, quantity });
    else this.#quantities.delete(metric);
  }
}
