import { signal, useSignal } from '@preact/signals';
import type { DeviceDetails, Reading } from '../../../src/client/index.ts';
import { sayReading, titleOfMetric } from '../../../src/terminal/manage/device-words.ts';
import { msSince, sayDuration } from '../../../src/terminal/manage/time-words.ts';
import { now } from '../live.ts';
import { say, sayShared } from '../words.ts';
import { lazyPage } from './lazy-page.tsx';
import { Said } from './said.tsx';

/** What the chart shows; one chart at a time is open. */
export const charted = signal<
  { readonly deviceId: string; readonly metric: string; readonly unit: string } | undefined
>(undefined);

const HistoryChart = lazyPage(async () => (await import('./history-chart.tsx')).HistoryChart);

/** What a device reported last, with its age; a number opens its history. */
export function ReadingList({
  device,
  readings,
}: {
  device: DeviceDetails;
  readings: ReadonlyMap<string, Reading>;
}) {
  const { deviceId } = device;
  const opened = useSignal<string | undefined>(undefined);
  if (readings.size === 0) return <p class="dim">{say('readings.none')}</p>;
  const open = ({ metric, unit }: Reading): void => {
    opened.value = opened.value === metric ? undefined : metric;
    charted.value = { deviceId, metric, unit: unit ?? '' };
  };
  return (
    <>
      <table class="grid">
        <thead>
          <tr>
            <th>{say('device.metric')}</th>
            <th class="number value">{say('device.value')}</th>
            <th class="number">{say('device.age')}</th>
            <th class="number">
              <span class="unseen">{say('device.history')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {[...readings.values()].map((reading) => (
            <tr key={reading.metric}>
              <td>
                <Said text={titleOfMetric(device, reading.metric)} />
              </td>
              <td class="number value">
                <Said text={sayReading(sayShared, reading)} />
              </td>
              <td class="number dim">{sayDuration(msSince(reading.time, now.value))}</td>
              <td class="number">
                {typeof reading.value !== 'string' && (
                  <button
                    class="quiet"
                    aria-expanded={opened.value === reading.metric}
                    onClick={() => open(reading)}
                  >
                    {say('device.history')}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {opened.value !== undefined && charted.value?.deviceId === deviceId && <HistoryChart />}
    </>
  );
}
