import { useEffect, useMemo } from 'preact/hooks';
import { INVOCATION_STATES } from '../../../src/devices/invocation-snapshot.ts';
import { sayFailure } from '../failure.ts';
import { followInvocations, type InvocationFilter } from '../invocation-state.ts';
import { InvocationList } from '../parts/invocation-list.tsx';
import { InvocationView } from '../parts/invocation-view.tsx';
import { Empty } from '../parts/notice.tsx';
import { query, setQuery } from '../router.ts';
import { say } from '../words.ts';

function readFilter(): InvocationFilter {
  const text = (name: string): string | undefined => query.value.get(name)?.trim() || undefined;
  return {
    deviceId: text('device'),
    command: text('command'),
    state: INVOCATION_STATES.find((each) => each === text('state')),
  };
}

/** What was asked of devices, the latest first, and what became of it. */
export function InvocationsPage() {
  const opened = query.value.get('id') ?? '';
  useEffect(() => void (document.title = `${say('invocations.title')} · Recado`));
  return (
    <div class="page">
      <Tools />
      {opened !== '' && <InvocationView key={opened} id={opened} />}
      <Found filter={readFilter()} />
    </div>
  );
}

function Tools() {
  const field = (name: string, title: string) => (
    <input
      type="search"
      aria-label={title}
      placeholder={title}
      value={query.value.get(name) ?? ''}
      onChange={({ currentTarget }) => setQuery({ [name]: currentTarget.value.trim() })}
    />
  );
  return (
    <div class="tools">
      <h1>{say('invocations.title')}</h1>
      {field('device', say('devices.column.device'))}
      {field('command', say('device.command'))}
      <select
        aria-label={say('device.state')}
        value={query.value.get('state') ?? ''}
        onChange={({ currentTarget }) => setQuery({ state: currentTarget.value })}
      >
        <option value="">{say('invocations.any')}</option>
        {INVOCATION_STATES.map((state) => (
          <option key={state} value={state}>
            {say(`invocations.state.${state}`)}
          </option>
        ))}
      </select>
      {field('id', say('answer.invocation'))}
    </div>
  );
}

function Found({ filter }: { filter: InvocationFilter }) {
  const { deviceId, command, state: wanted } = filter;
  const { state, more, end } = useMemo(() => followInvocations(filter), [deviceId, command, wanted]);
  useEffect(() => end, [end]);
  const invocations = state.invocations.value;
  const fault = state.fault.value;
  if (invocations === undefined)
    return <Empty text={fault === undefined ? say('console.loading') : sayFailure(fault)} />;
  if (invocations.length === 0) return <Empty text={say('invocations.none.found')} />;
  return (
    <>
      <InvocationList invocations={invocations} />
      {state.cursor.value !== undefined && (
        <button onClick={() => void more()}>{say('invocations.more')}</button>
      )}
    </>
  );
}
