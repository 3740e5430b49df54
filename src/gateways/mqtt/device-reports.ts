import type { BusMessage } from '../../bus/bus.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { Device } from '../../devices/device.ts';
import { ReportedEvents } from '../reported-events.ts';
import { ReportedReadings } from '../reported-readings.ts';
import { readMetricLevel } from './device-topics.ts';
import { userProperty } from './message-value.ts';
import type { MqttGatewayContext } from './mqtt-context.ts';

/** What one device reports by itself. */
export class DeviceReports {
  readonly device: Device;
  readonly #context: MqttGatewayContext;
  #readings: ReportedReadings | undefined;
  #events: ReportedEvents | undefined;

  constructor(device: Device, context: MqttGatewayContext) {
    this.device = device;
    this.#context = context;
  }

  /**
   * Takes `{metric: value, …}`, `{"readings": {…}, "at": …}`, or the value of the one metric that the topic names.
   *
   * @param level - of the metric in the topic; empty where there is none
   * @returns false when it is none of these
   */
  takeTelemetry(message: BusMessage, level: string, value: unknown): boolean {
    const found = level === '' ? readReadings(value) : readOne(level, value);
    if (found === undefined) return false;
    const at = userProperty(message, 'at') ?? found.at;
    // What the broker kept is from before, and without a time nobody knows from when.
    if (message.retain && at === undefined) return true;
    this.#readings ??= new ReportedReadings(this.#context, this.device);
    this.#context.counters.telemetryTaken++;
    return this.#readings.take({ telemetry: found.readings, at });
  }

  /** What the broker kept of an event has happened before. */
  takeEvent(message: BusMessage, name: string, data: unknown): void {
    if (message.retain) return;
    this.#events ??= new ReportedEvents(this.#context, this.device);
    this.#events.take(name, { data, at: userProperty(message, 'at') });
  }
}

type Found = { readonly readings: JsonObject; readonly at?: unknown };

function readReadings(value: unknown): Found | undefined {
  if (!isJsonObject(value)) return undefined;
  const { readings, at } = value;
  // A reading is no object, so no metric is meant.
  return isJsonObject(readings) ? { readings, at } : { readings: value };
}

function readOne(level: string, value: unknown): Found | undefined {
  const metric = readMetricLevel(level);
  return metric === undefined || metric === '' ? undefined : { readings: { [metric]: value } };
}
