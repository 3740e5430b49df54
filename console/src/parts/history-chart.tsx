import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import Plot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { ClientError } from '../../../src/client/index.ts';
import { sayFailure } from '../failure.ts';
import { follow } from '../live.ts';
import { hub } from '../session.ts';
import { language, shownTheme } from '../settings.ts';
import { say } from '../words.ts';
import { charted } from './reading-list.tsx';

/** How far back, and how much one point stands for, so that a range has some hundred points. */
const RANGES = [
  { name: '1 h', ms: 3_600_000, every: '10s' },
  { name: '24 h', ms: 86_400_000, every: '5m' },
  { name: '7 d', ms: 7 * 86_400_000, every: '30m' },
  { name: '30 d', ms: 30 * 86_400_000, every: '2h' },
] as const;
const HEIGHT_PX = 220;

/** What a metric was. New readings are drawn as they come. */
export function HistoryChart() {
  const box = useRef<HTMLDivElement>(null);
  const range = useSignal<(typeof RANGES)[number]>(RANGES[0]);
  const told = useSignal<string | undefined>(undefined);
  const shown = charted.value;
  useEffect(() => {
    const element = box.current;
    if (shown === undefined || element === null) return undefined;
    told.value = undefined;
    const ended = new AbortController();
    const { deviceId, metric, unit } = shown;
    const to = new Date();
    const from = new Date(to.getTime() - range.value.ms);
    const options = { from, to, every: range.value.every, signal: ended.signal };
    let end = (): void => undefined;
    hub()
      .devices.history(deviceId, metric, options)
      .then(
        ({ values }) => {
          if (values.length === 0) told.value = say('device.history.none');
          end = draw(element, { deviceId, metric, unit, values, rangeMs: range.value.ms });
        },
        (error: unknown) => {
          if (error instanceof ClientError) told.value = sayFailure(error);
        },
      );
    return () => {
      ended.abort();
      end();
    };
  }, [shown, range.value, shownTheme.value, language.value]);
  return (
    <figure>
      <figcaption>
        {RANGES.map((each) => (
          <button
            key={each.name}
            class="quiet"
            aria-pressed={range.value === each}
            onClick={() => (range.value = each)}
          >
            {each.name}
          </button>
        ))}
        {told.value !== undefined && (
          <span class="dim" role="status">
            {told.value}
          </span>
        )}
      </figcaption>
      <div ref={box} class="chart" />
    </figure>
  );
}

type Drawn = {
  readonly deviceId: string;
  readonly metric: string;
  readonly unit: string;
  readonly values: readonly { readonly time: string; readonly value: number }[];
  readonly rangeMs: number;
};

/** @returns what ends it */
function draw(element: HTMLElement, { deviceId, metric, unit, values, rangeMs }: Drawn): () => void {
  const times = values.map(({ time }) => Date.parse(time) / 1000);
  const numbers = values.map(({ value }) => value);
  const color = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
  const isLive = rangeMs === RANGES[0].ms;
  const axis = {
    stroke: color('--dim'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  const plot = new Plot(
    {
      width: element.clientWidth,
      height: HEIGHT_PX,
      scales: { x: { range: () => [(Date.now() - rangeMs) / 1000, Date.now() / 1000] } },
      axes: [
        { ...axis, values: (_plot, splits) => splits.map(timeWriter(rangeMs)) },
        {
          ...axis,
          size: 56,
          values: (_plot, splits) => splits.map((each) => each.toLocaleString(language.value)),
        },
      ],
      series: [
        { label: say('device.when'), value: (_plot, at) => sayPoint(at, timeWriter(0)) },
        {
          label: unit === '' ? metric : `${metric} (${unit})`,
          stroke: color('--chart'),
          width: 1.5,
          value: (_plot, value) => sayPoint(value, (each) => each.toLocaleString(language.value)),
        },
      ],
    },
    [times, numbers],
    element,
  );
  const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
  observer.observe(element);
  const unfollow = follow((event) => {
    if (!isLive || event.type !== 'reading' || event.deviceId !== deviceId || event.metric !== metric) return;
    if (typeof event.value === 'string') return;
    times.push(Date.parse(event.time) / 1000);
    numbers.push(Number(event.value));
    plot.setData([times, numbers]);
  });
  return () => {
    unfollow();
    observer.disconnect();
    plot.destroy();
  };
}

/** Seconds as people of the language write a time: of a day, a day, or both. */
function timeWriter(rangeMs: number): (seconds: number) => string {
  const clock = { hour: '2-digit', minute: '2-digit' } as const;
  const day = { day: '2-digit', month: '2-digit' } as const;
  const parts =
    rangeMs === 0 ? { ...day, ...clock, second: '2-digit' as const } : rangeMs > 86_400_000 ? day : clock;
  const format = new Intl.DateTimeFormat(language.value, parts);
  return (seconds) => format.format(seconds * 1000);
}

/** Nothing where the pointer is nowhere. */
function sayPoint(value: number | null, write: (value: number) => string): string {
  return value === null ? '' : write(value);
}
