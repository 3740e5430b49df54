import type { Result } from '../../../base/result.ts';
import type { ClientError, Device, DeviceTelemetry, HubEvent } from '../../../client/index.ts';
import type { Hint } from '../../ui/page.ts';
import type { Area, Row } from '../../ui/rows.ts';
import type { Follows } from '../hub-follower.ts';
import type { PageContext } from '../page-context.ts';
import { withEvent, withNewer } from '../reading-news.ts';
import { ScrolledPage } from '../scrolled-page.ts';
import { drawAllReadings } from './device-view.ts';

/** Every reading of a device, as they are now. In plain lines the device tells them. */
export class ReadingsPage extends ScrolledPage {
  readonly topic = 'readings';
  readonly hints: readonly Hint[] = [
    ['↑↓', 'keys.scroll'],
    ['Esc', 'keys.back'],
  ];
  readonly follows: Follows;
  readonly #device: Device;
  #telemetry: DeviceTelemetry | undefined;

  constructor(app: PageContext, device: Device) {
    super(app);
    this.#device = device;
    this.follows = { devices: [device.deviceId], kinds: ['reading', 'unavailable', 'description'] };
  }

  get title(): string {
    return this.app.say('device.readings');
  }

  async load(signal: AbortSignal): Promise<Result<unknown, ClientError>> {
    const { deviceId } = this.#device;
    const telemetry = await this.app.hub.call(
      ({ devices }) => devices.telemetry(deviceId, { signal }),
      signal,
    );
    if (telemetry.ok) this.#telemetry = withNewer(telemetry.value, this.#telemetry);
    return telemetry;
  }

  onEvent(event: HubEvent): boolean {
    if (this.#telemetry === undefined || event.type === 'description') return true;
    this.#telemetry = withEvent(this.#telemetry, event);
    return false;
  }

  protected override drawAll(area: Area): readonly Row[] {
    const { say } = this.app;
    if (this.#telemetry === undefined) return [[{ text: say('device.loading'), tone: 'dim' }]];
    const rows = drawAllReadings(this.#device, this.#telemetry, this.app, area);
    return rows.length === 0 ? [[{ text: say('readings.none'), tone: 'dim' }]] : rows;
  }
}
