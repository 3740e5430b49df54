import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { BrokerSession } from '../../../src/client/index.ts';
import { sayFailure } from '../failure.ts';
import { BrokerSessionView } from '../parts/broker-session-view.tsx';
import { Empty, Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { useAsked } from '../parts/use-asked.ts';
import { linkTo, query, setQuery } from '../router.ts';
import { hub } from '../session.ts';
import { language } from '../settings.ts';
import { say } from '../words.ts';

const PAGE_SESSIONS = 100;
/** Of sessions the hub tells no events. */
const ASK_MS = 5000;
const STATES = ['connected', 'away'] as const;

type Found = { readonly sessions: readonly BrokerSession[]; readonly hasMore: boolean };
type Filter = { readonly q: string | undefined; readonly status: (typeof STATES)[number] | undefined };

/** Pages until there are so many; one may have none, and still a next one. */
async function findSessions(filter: Filter, wanted: number, signal: AbortSignal): Promise<Found> {
  const found: BrokerSession[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE_SESSIONS, wanted - found.length);
    const page = await hub().broker.sessions.list({ ...filter, limit, cursor, signal });
    found.push(...page.sessions);
    cursor = page.nextCursor;
  } while (cursor !== undefined && found.length < wanted);
  return { sessions: found, hasMore: cursor !== undefined };
}

/** Who is at the MQTT broker of the hub, and what it keeps for those who are away. */
export function ClientsPage() {
  const q = query.value.get('q') || undefined;
  const status = STATES.find((each) => each === query.value.get('status'));
  const opened = query.value.get('session') ?? '';
  const wanted = useSignal(PAGE_SESSIONS);
  const { value, fault, askAgain } = useAsked(
    (signal) => findSessions({ q, status }, wanted.value, signal),
    [q, status, wanted.value],
    ASK_MS,
  );
  useEffect(() => void (document.title = `${say('clients.title')} · Recado`));
  const found = value.value;
  const told = fault.value;
  return (
    <div class="page">
      <Tools q={q} status={status} />
      {opened !== '' && <BrokerSessionView key={opened} id={opened} onChanged={askAgain} />}
      {found === undefined ? (
        <Empty text={told === undefined ? say('console.loading') : sayFailure(told)} />
      ) : (
        <>
          {told !== undefined && <Notice tone="bad">{sayFailure(told)}</Notice>}
          {found.sessions.length === 0 ? (
            <Empty text={say('clients.none')} />
          ) : (
            <SessionTable sessions={found.sessions} />
          )}
          {found.hasMore && (
            <button onClick={() => (wanted.value += PAGE_SESSIONS)}>{say('clients.more')}</button>
          )}
        </>
      )}
    </div>
  );
}

function Tools({ q = '', status = '' }: Partial<Record<'q' | 'status', string | undefined>>) {
  return (
    <div class="tools">
      <h1>{say('clients.title')}</h1>
      <input
        type="search"
        aria-label={say('list.filter')}
        placeholder={say('clients.filter')}
        value={q}
        onChange={({ currentTarget }) => setQuery({ q: currentTarget.value.trim() })}
      />
      <select
        aria-label={say('device.state')}
        value={status}
        onChange={({ currentTarget }) => setQuery({ status: currentTarget.value })}
      >
        <option value="">{say('invocations.any')}</option>
        {STATES.map((state) => (
          <option key={state} value={state}>
            {say(`clients.${state}`)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What is looked for stays. */
function linkToSession(key: string): string {
  const url = new URL(linkTo('clients'));
  url.search = query.value.toString();
  url.searchParams.set('session', key);
  return url.href;
}

function SessionTable({ sessions }: { sessions: readonly BrokerSession[] }) {
  const count = (value: number): string => value.toLocaleString(language.value);
  return (
    <table class="grid broker">
      <thead>
        <tr>
          <th>{say('clients.client')}</th>
          <th>{say('device.state')}</th>
          <th class="late">{say('clients.user')}</th>
          <th class="late">{say('health.listener')}</th>
          <th class="late number">{say('clients.subscriptions')}</th>
          <th class="late number">{say('services.inFlight')}</th>
          <th class="number">{say('clients.queued')}</th>
        </tr>
      </thead>
      <tbody>
        {sessions.map(({ key, clientId, status, userName, listener, ...session }) => (
          <tr key={key}>
            <td>
              <a href={linkToSession(key)}>{clientId === '' ? '–' : <Said text={clientId} />}</a>
            </td>
            <td>
              <span class={`mark ${status === 'connected' ? 'on' : 'off'}`}>{say(`clients.${status}`)}</span>
            </td>
            <td class="late">{userName !== null && <Said text={userName} />}</td>
            <td class="late">{listener}</td>
            <td class="late number">{count(session.subscriptions)}</td>
            <td class="late number">{count(session.inFlight)}</td>
            <td class="number">{count(session.queued)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
