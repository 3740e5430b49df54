import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { HubState } from '../../../src/client/index.ts';
import { msSince, sayDuration, sayTimestamp } from '../../../src/terminal/manage/time-words.ts';
import { sayBytes } from '../byte-words.ts';
import { sayFailure } from '../failure.ts';
import { now } from '../live.ts';
import { Empty, Notice } from '../parts/notice.tsx';
import { Numbers } from '../parts/numbers.tsx';
import { Said } from '../parts/said.tsx';
import { useAsked } from '../parts/use-asked.ts';
import { hub } from '../session.ts';
import { language } from '../settings.ts';
import { say, sayKnown } from '../words.ts';

/** Load is that of the time between two answers; of the hub itself there are no events. */
const ASK_MS = 5000;
/** Of its limit, from where on a kind is worth a look: newcomers have the rest. */
const MUCH = 3 / 4;

/** How it stands with the hub. */
export function HealthPage() {
  const { value, fault } = useAsked((signal) => hub().state({ signal }), [], ASK_MS);
  useEffect(() => void (document.title = `${say('health.title')} · Recado`));
  const state = value.value;
  const told = fault.value;
  const load = useLoad(state);
  if (state === undefined)
    return <Empty text={told === undefined ? say('console.loading') : sayFailure(told)} />;
  return (
    <div class="services">
      <h1>{say('health.title')}</h1>
      {told !== undefined && <Notice tone="bad">{sayFailure(told)}</Notice>}
      {(state.warnings ?? []).map((warning) => (
        <Notice key={warning} tone="warn">
          <Said text={`${warning}.`} />
        </Notice>
      ))}
      <Summary state={state} load={load} />
      <Listeners state={state} />
      <Stores state={state} />
      <Limits kept={state.kept} />
    </div>
  );
}

/** Part of the time between the last two answers in which the hub was at work; undefined before there are two. */
function useLoad(state: HubState | undefined): number | undefined {
  const last = useRef<{ state: HubState; load: number | undefined }>(null);
  if (state !== undefined && state !== last.current?.state) {
    const before = last.current?.state;
    last.current = {
      state,
      load: before?.started === state.started ? loadBetween(before, state) : undefined,
    };
  }
  return last.current?.load;
}

function loadBetween({ eventLoop: before }: HubState, { eventLoop: after }: HubState): number | undefined {
  const active = after.activeMs - before.activeMs;
  const all = active + after.idleMs - before.idleMs;
  return all > 0 ? active / all : undefined;
}

function Summary({ state, load }: { state: HubState; load: number | undefined }) {
  const { connections, residentBytes, externalBroker } = state;
  const count = (value: number): string => value.toLocaleString(language.value);
  const facts = [
    [say('health.version'), state.version],
    ['Node', state.nodeVersion],
    [
      say('health.up'),
      <span title={sayTimestamp(state.started, now.value)}>
        {sayDuration(msSince(state.started, now.value))}
      </span>,
    ],
    [say('health.load'), load === undefined ? '…' : `${count(Math.round(load * 100))} %`],
    [say('health.memory'), residentBytes === null ? '–' : sayBytes(residentBytes)],
    [say('health.over', { what: 'HTTP' }), count(connections.http)],
    [say('health.over', { what: 'MQTT' }), count(connections.mqtt)],
    [say('health.devices'), count(connections.devices)],
  ] as const;
  return (
    <section aria-label={say('health.now')}>
      <Numbers facts={facts} />
      {externalBroker !== null && (
        <p>
          {say('health.broker')} <Said text={externalBroker.address ?? ''} />{' '}
          <span class={`mark ${externalBroker.isConnected ? 'on' : 'off'}`}>
            {say(externalBroker.isConnected ? 'health.connected' : 'console.waiting')}
          </span>
        </p>
      )}
    </section>
  );
}

function Listeners({ state: { listeners } }: { state: HubState }) {
  return (
    <section>
      <h2>{say('health.listeners')}</h2>
      <table class="grid">
        <thead>
          <tr>
            <th>{say('health.listener')}</th>
            <th>{say('health.address')}</th>
            <th class="number">TLS</th>
          </tr>
        </thead>
        <tbody>
          {listeners.map(({ name, address, isEncrypted }) => (
            <tr key={name}>
              <td>{name}</td>
              <td>{address === null ? '–' : <Said text={address} />}</td>
              <td class="number">{say(isEncrypted ? 'health.yes' : 'health.no')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Stores({ state: { stores, disk } }: { state: HubState }) {
  const size = (bytes: number | null): string => (bytes === null ? '–' : sayBytes(bytes));
  return (
    <section>
      <h2>{say('health.stores')}</h2>
      {stores.length === 0 && <p class="dim">{say('health.inMemory')}</p>}
      {stores.map(({ name, state, advice }) => (
        <p key={name} class={`facts ${state === 'ready' ? '' : 'bad'}`}>
          <span class={`mark ${state === 'ready' ? 'on' : 'off'}`}>
            {name}: {sayKnown(`health.store.${state}`) ?? state}
          </span>
          <Said text={advice} />
        </p>
      ))}
      {disk !== null && (
        <p class="facts">
          {say('health.stored', { size: size(disk.storedBytes), free: size(disk.freeBytes) })}
          {disk.folder !== null && <Said text={disk.folder} />}
        </p>
      )}
    </section>
  );
}

/** The fullest first: those that hold nothing are for who asks. */
function Limits({ kept }: Pick<HubState, 'kept'>) {
  const isWhole = useSignal(false);
  const part = ({ bytes, limitBytes }: HubState['kept'][number]): number =>
    limitBytes === 0 ? 0 : bytes / limitBytes;
  const shown = kept
    .filter(({ bytes, refusals }) => isWhole.value || bytes > 0 || refusals > 0)
    .sort((one, other) => part(other) - part(one));
  return (
    <section>
      <h2>{say('health.limits')}</h2>
      <table class="grid">
        <thead>
          <tr>
            <th>{say('health.kind')}</th>
            <td class="late" />
            <th class="number">{say('health.used')}</th>
            <th class="number">{say('health.limit')}</th>
            <th class="number">{say('health.refused')}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((each) => (
            <tr key={each.kind}>
              <td>{each.kind}</td>
              <td class="late">
                <meter aria-label={each.kind} value={part(each)} high={MUCH} optimum={0} />
              </td>
              <td class="number">{sayBytes(each.bytes)}</td>
              <td class="number">{sayBytes(each.limitBytes)}</td>
              <td class={`number ${each.refusals > 0 ? 'bad' : ''}`}>
                {each.refusals.toLocaleString(language.value)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button class="quiet" aria-pressed={isWhole.value} onClick={() => (isWhole.value = !isWhole.value)}>
        {say('health.all')}
      </button>
    </section>
  );
}
