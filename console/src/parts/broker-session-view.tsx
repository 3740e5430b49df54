import { ProblemError, type BrokerSession } from '../../../src/client/index.ts';
import { sayDuration } from '../../../src/terminal/manage/time-words.ts';
import { sayFailure } from '../failure.ts';
import { setQuery } from '../router.ts';
import { hub, may } from '../session.ts';
import { language } from '../settings.ts';
import { say } from '../words.ts';
import { AskTwice } from './ask-twice.tsx';
import { Notice } from './notice.tsx';
import { Numbers } from './numbers.tsx';
import { Said } from './said.tsx';
import { useAsked } from './use-asked.ts';

const ASK_MS = 2000;
const SECOND_MS = 1000;

/** A session, with its client or without it; and its end. */
export function BrokerSessionView({ id, onChanged }: { id: string; onChanged: () => void }) {
  const session = { key: id };
  const { sessions, clients } = hub().broker;
  const { value, fault, askAgain } = useAsked((signal) => sessions.get(session, { signal }), [id], ASK_MS);
  const told = fault.value;
  const isGone = told instanceof ProblemError && told.code === 'CLIENT_UNKNOWN';
  const seen = isGone ? undefined : value.value;
  const changed = (): void => {
    askAgain();
    onChanged();
  };
  return (
    <section class="answer" aria-label={say('clients.session')}>
      <div class="command-head">
        <strong>{seen !== undefined && <Said text={seen.clientId} />}</strong>
        <span class="room" />
        {seen?.status === 'connected' && may('manage') && (
          <AskTwice
            label={say('clients.kick')}
            question={say('clients.kick.ask')}
            act={() => clients.disconnect(session)}
            onDone={changed}
          />
        )}
        {seen !== undefined && may('manage') && (
          <AskTwice
            label={say('clients.forget')}
            question={say('clients.forget.ask', { count: seen.queued })}
            act={() => sessions.end(session)}
            onDone={changed}
          />
        )}
        <button class="quiet" onClick={() => setQuery({ session: '' })}>
          {say('console.close')}
        </button>
      </div>
      {isGone && <p class="dim">{say('clients.gone')}</p>}
      {told !== undefined && !isGone && <Notice tone="bad">{sayFailure(told)}</Notice>}
      {seen !== undefined && <Facts session={seen} />}
    </section>
  );
}

function Facts({ session }: { session: BrokerSession }) {
  const { userName, protocolVersion, listener, address, keptForSeconds } = session;
  const count = (value: number): string => value.toLocaleString(language.value);
  const facts = [
    [say('device.state'), say(`clients.${session.status}`)],
    [say('clients.user'), userName === null ? '–' : <Said text={userName} />],
    ['MQTT', protocolVersion],
    [say('health.listener'), listener === '' ? '–' : listener],
    [say('health.address'), address === null ? '–' : <Said text={address} />],
    [say('clients.subscriptions'), count(session.subscriptions)],
    [say('services.inFlight'), count(session.inFlight)],
    [say('clients.queued'), count(session.queued)],
    [
      say('clients.kept'),
      keptForSeconds === null ? say('clients.ever') : sayDuration(keptForSeconds * SECOND_MS),
    ],
  ] as const;
  return <Numbers facts={facts} />;
}
