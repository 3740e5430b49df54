import { computed, useComputed, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Device } from '../../../src/client/index.ts';
import { sayReading, titleOf } from '../../../src/terminal/manage/device-words.ts';
import { msSince, sayDuration } from '../../../src/terminal/manage/time-words.ts';
import { bulk } from '../bulk.ts';
import { readFilterLine } from '../device-filter.ts';
import { devices, isLoaded, now, watched } from '../live.ts';
import { lazyPage } from '../parts/lazy-page.tsx';
import { Empty } from '../parts/notice.tsx';
import { PresenceMark } from '../parts/presence-mark.tsx';
import { Said } from '../parts/said.tsx';
import { VirtualTable, type Column } from '../parts/virtual-table.tsx';
import { linkTo, query, setQuery } from '../router.ts';
import { saveCsv } from '../save-csv.ts';
import { choose, selected } from '../selection.ts';
import { may } from '../session.ts';
import { say, sayShared } from '../words.ts';

type DeviceColumn = Column<Device> & { readonly sortBy: (device: Device) => string | number };

const BulkBar = lazyPage(async () => (await import('../parts/bulk-bar.tsx')).BulkBar);

const allColumns = computed<readonly DeviceColumn[]>(() => [
  ...ownColumns.value,
  ...watched.value.split(',').filter(Boolean).map(metricColumn),
]);

const ownColumns = computed<readonly DeviceColumn[]>(() => [
  {
    name: 'device',
    title: say('devices.column.device'),
    kind: 'wide',
    sortBy: ({ deviceId }) => deviceId,
    cell: ({ deviceId }) => (
      <a href={linkTo('devices', deviceId)}>
        <Said text={deviceId} />
      </a>
    ),
  },
  {
    name: 'title',
    title: say('devices.column.title'),
    kind: 'wide late',
    sortBy: titleOf,
    cell: (device) => <Said text={titleOf(device)} />,
  },
  {
    name: 'tags',
    title: say('list.tags'),
    kind: 'late',
    sortBy: ({ tags = [] }) => tags.join(' '),
    cell: ({ tags = [] }) =>
      tags.map((tag) => (
        <span key={tag} class="tag">
          <Said text={tag} />
        </span>
      )),
  },
  {
    name: 'gateway',
    title: say('devices.column.gateway'),
    kind: 'late',
    sortBy: ({ gateway }) => gateway,
    cell: ({ gateway }) => gateway,
  },
  {
    name: 'presence',
    title: say('devices.column.presence'),
    kind: 'state',
    sortBy: ({ presence }) => presence.status,
    cell: (device) => <PresenceMark device={device} />,
  },
  {
    name: 'seen',
    title: say('list.seen'),
    kind: 'number',
    sortBy: ({ presence }) => presence.lastSeen,
    cell: (device) => <Seen device={device} />,
  },
]);

function metricColumn(metric: string): DeviceColumn {
  const readingOf = ({ readings = [] }: Device) => readings.find((each) => each.metric === metric);
  return {
    name: `metric:${metric}`,
    title: metric,
    kind: 'number',
    sortBy: (device) => {
      const value = readingOf(device)?.value ?? '';
      return typeof value === 'boolean' ? String(value) : value;
    },
    cell: (device) => {
      const reading = readingOf(device);
      return reading !== undefined && <Said text={sayReading(sayShared, reading)} />;
    },
  };
}

const HIDDEN = 'hide';

/** Those that the address does not hide: `?hide=tags,gateway`. */
const columns = computed(() => {
  const hidden = (query.value.get(HIDDEN) ?? '').split(',');
  return allColumns.value.filter(({ name }) => name === 'device' || !hidden.includes(name));
});

function ColumnMenu() {
  const shown = new Set(columns.value.map(({ name }) => name));
  const names = allColumns.value.filter(({ name }) => name !== 'device');
  const change = (name: string): void => {
    const hidden = names.map((each) => each.name).filter((each) => shown.has(each) === (each === name));
    setQuery({ [HIDDEN]: hidden.join(',') });
  };
  return (
    <details class="menu">
      <summary>{say('list.columns')}</summary>
      <div>
        {names.map(({ name, title }) => (
          <label key={name}>
            <input type="checkbox" checked={shown.has(name)} onChange={() => change(name)} /> {title}
          </label>
        ))}
      </div>
    </details>
  );
}

/** The boxes before the rows, with one in the head for all of them. */
function selectColumn(shown: readonly Device[]): Column<Device> {
  const ids = (): string[] => shown.map(({ deviceId }) => deviceId);
  const isAll = shown.every(({ deviceId }) => selected.value.has(deviceId));
  return {
    name: 'select',
    kind: 'select',
    head: (
      <input
        type="checkbox"
        aria-label={say('bulk.select.all')}
        checked={isAll}
        onChange={() => (selected.value = new Set(isAll ? [] : ids()))}
      />
    ),
    cell: ({ deviceId }) => (
      <input
        type="checkbox"
        aria-label={say('bulk.select', { id: deviceId })}
        checked={selected.value.has(deviceId)}
        onClick={(event) => choose(deviceId, event.shiftKey, ids())}
      />
    ),
  };
}

function Seen({ device }: { device: Device }) {
  return <>{sayDuration(msSince(device.presence.lastSeen, now.value))}</>;
}

/** Whatever the filter line of the address asks for, in the order that it asks for. */
function useShown() {
  const line = useComputed(() => readFilterLine(query.value.get('filter') ?? ''));
  useSignalEffect(() => void (watched.value = line.value.metrics.join(',')));
  const sorting = useComputed(() => {
    const text = query.value.get('sort') ?? 'device';
    return { by: text.replace(/^-/, ''), isDown: text.startsWith('-') };
  });
  const shown = useComputed(() => {
    const { by, isDown } = sorting.value;
    const found = devices.value.filter((device) => line.value.fits(device, now.peek()));
    const column = allColumns.value.find(({ name }) => name === by);
    if (column === undefined || (by === 'device' && !isDown)) return found;
    const { sortBy } = column;
    const keys = new Map(found.map((device) => [device, sortBy(device)]));
    const sign = isDown ? -1 : 1;
    return found.sort((one, other) =>
      keys.get(one)! < keys.get(other)! ? -sign : keys.get(one)! > keys.get(other)! ? sign : 0,
    );
  });
  return { line, sorting, shown };
}

export function DevicesPage() {
  const { line, sorting, shown } = useShown();
  useEffect(() => void (document.title = `${say('devices.title')} · Recado`));
  if (!isLoaded.value && devices.value.length === 0) return <Empty text={say('console.loading')} />;
  if (devices.value.length === 0)
    return (
      <Empty text={say('devices.none')}>
        <p>{say('devices.none.advice', { command: 'npx recado simulate sensor' })}</p>
      </Empty>
    );
  const { by, isDown } = sorting.value;
  const online = devices.value.filter(({ presence }) => presence.status === 'online').length;
  const { notUnderstood } = line.value;
  const mayAct = may('command') || may('manage');
  return (
    <div class="list">
      <div class="tools">
        <h1>{say('devices.title')}</h1>
        <input
          type="search"
          aria-label={say('list.filter')}
          placeholder={say('list.filter.how')}
          value={query.value.get('filter') ?? ''}
          onInput={({ currentTarget }) => setQuery({ filter: currentTarget.value })}
        />
        <span class="dim" role="status">
          {say('list.of', { shown: shown.value.length, total: devices.value.length })} · {online}{' '}
          {say('presence.online')}
        </span>
        <ColumnMenu />
        <button class="quiet" onClick={() => saveCsv('devices', shown.value.map(csvRow))}>
          {say('list.csv')}
        </button>
      </div>
      {notUnderstood.length > 0 && (
        <p class="fault" role="alert">
          {say('list.filter.unknown', { parts: notUnderstood.join(' ') })}
        </p>
      )}
      {(selected.value.size > 0 || bulk.value !== undefined) && <BulkBar />}
      {shown.value.length === 0 ? (
        <Empty text={say('devices.none.filtered')}>
          <button onClick={() => setQuery({ filter: '' })}>{say('list.clear')}</button>
        </Empty>
      ) : (
        <VirtualTable
          label={say('devices.title')}
          rows={shown.value}
          columns={mayAct ? [selectColumn(shown.value), ...columns.value] : columns.value}
          keyOf={({ deviceId }) => deviceId}
          sorting={sorting.value}
          onSort={(name) => setQuery({ sort: name === by && !isDown ? `-${name}` : name })}
        />
      )}
    </div>
  );
}

function csvRow({ deviceId, title, model, tags = [], gateway, presence }: Device): Record<string, string> {
  const { status, since, lastSeen } = presence;
  return {
    deviceId,
    title: title ?? '',
    model: model ?? '',
    tags: tags.join(' '),
    gateway,
    status,
    since,
    lastSeen,
  };
}
