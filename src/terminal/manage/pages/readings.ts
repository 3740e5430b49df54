import type { Result } from '../../../base/result.ts';
import type { ClientError, Device, DeviceTelemetry } from '../../../client/index.ts';
import type { Key } from '../../ui/key-reader.ts';
import type { Hint } from '../../ui/page.ts';
import type { Area, Row } from '../../ui/rows.ts';
import { ScrolledRows } from '../../ui/scrolled-rows.ts';
import type { ManagePage, PageContext } from '../page-context.ts';
import { drawAllReadings } from './device-view.ts';

/** Every reading of a device, as they are now. In plain lines the device tells them. */
export class ReadingsPage implements ManagePage {
  readonly pollMs = 1000;
  readonly topic = 'readings';
  readonly hints: readonly Hint[] = [
    ['↑↓', 'keys.scroll'],
    ['Esc', 'keys.back'],
  ];
  readonly #app: PageContext;
  readonly #device: Device;
  readonly #rows: ScrolledRows;
  #telemetry: DeviceTelemetry | undefined;

  constructor(app: PageContext, device: Device) {
    this.#app = app;
    this.#device = device;
    this.#rows = new ScrolledRows(app.say);
  }

  get title(): string {
    return this.#app.say('device.readings');
  }

  async load(signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const { deviceId } = this.#device;
    const telemetry = await this.#app.hub.call(
      ({ devices }) => devices.telemetry(deviceId, { signal }),
      signal,
    );
    if (telemetry.ok) this.#telemetry = telemetry.value;
    return telemetry;
  }

  onKey(key: Key): boolean {
    return this.#rows.take(key);
  }

  draw(area: Area): readonly Row[] {
    const { say } = this.#app;
    if (this.#telemetry === undefined) return [[{ text: say('device.loading'), tone: 'dim' }]];
    const rows = drawAllReadings(this.#device, this.#telemetry, this.#app, area);
    if (rows.length === 0) return [[{ text: say('readings.none'), tone: 'dim' }]];
    return this.#rows.draw(rows, area);
  }

  tell(): readonly string[] {
    return [];
  }
}
