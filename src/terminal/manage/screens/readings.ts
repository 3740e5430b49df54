import { ClientError, type Device, type DeviceTelemetry } from '../../../client/index.ts';
import type { Desk, Hint, Screen } from '../desk.ts';
import { Poller } from '../poller.ts';
import type { Area, Row } from '../../ui/rows.ts';
import type { Key } from '../../ui/key-reader.ts';
import { ScrolledRows } from '../../ui/scrolled-rows.ts';
import { drawReading, drawUnavailable } from './device-page-view.ts';

const POLL_MS = 1000;

/** Every reading of a device, as they are now. */
export class ReadingsScreen implements Screen {
  readonly isTyping = false;
  readonly asksHub = true;
  readonly topic = 'readings';
  readonly #desk: Desk;
  readonly #device: Device;
  readonly #poller: Poller;
  readonly #rows: ScrolledRows;
  #telemetry: DeviceTelemetry | undefined;

  constructor(desk: Desk, device: Device) {
    this.#desk = desk;
    this.#device = device;
    this.#rows = new ScrolledRows(desk.say);
    this.#poller = new Poller({ periodMs: POLL_MS, clock: desk.clock, run: (signal) => this.#load(signal) });
  }

  get title(): string {
    return this.#desk.say('readings.title');
  }

  get hints(): readonly Hint[] {
    const { say } = this.#desk;
    return [
      { keys: '↑↓', label: say('keys.scroll') },
      { keys: 'Esc', label: say('keys.back') },
    ];
  }

  onShown(): void {
    this.#poller.start();
  }

  onHidden(): void {
    this.#poller.stop();
  }

  onKey(key: Key): boolean {
    return this.#rows.take(key);
  }

  draw(area: Area): readonly Row[] {
    const telemetry = this.#telemetry;
    if (telemetry === undefined) return [[{ text: this.#desk.say('device.loading'), tone: 'dim' }]];
    const readings = telemetry.readings.map((reading) =>
      drawReading(reading, this.#device, this.#desk, area),
    );
    const rows = [...drawUnavailable(telemetry, this.#desk), ...readings];
    if (rows.length === 0) return [[{ text: this.#desk.say('readings.none'), tone: 'dim' }]];
    return this.#rows.draw(rows, area);
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { deviceId } = this.#device;
    try {
      this.#telemetry = await this.#desk.session.call((client) =>
        client.devices.telemetry(deviceId, { signal }),
      );
    } catch (error) {
      if (!signal.aborted && !(error instanceof ClientError)) throw error;
    } finally {
      this.#desk.changed();
    }
  }
}
