import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ClientError, ProblemError, type InvocationDetails } from '../../../src/client/index.ts';
import { isUnended, sayState, toneOfState } from '../../../src/terminal/manage/invocation-words.ts';
import { sayTimestamp } from '../../../src/terminal/manage/time-words.ts';
import { sayFailure } from '../failure.ts';
import { follow, now } from '../live.ts';
import { linkTo, setQuery } from '../router.ts';
import { hub, may } from '../session.ts';
import { say, sayShared } from '../words.ts';
import { FailureView, Phases, ValueView } from './answer-view.tsx';
import { Notice } from './notice.tsx';
import { Said } from './said.tsx';
import { useAsked } from './use-asked.ts';

/** One sent command: its phases, what the device answered or why nothing came, and what came later. */
export function InvocationView({ id }: { id: string }) {
  const { value, fault, askAgain } = useAsked((signal) => hub().invocations.get(id, { signal }), [id]);
  const refused = useSignal<ClientError | undefined>(undefined);
  useEffect(
    () => follow((event) => event.type === 'invocation' && event.invocation.id === id && askAgain()),
    [askAgain],
  );
  const cancel = (): void => {
    hub()
      .invocations.cancel(id)
      .then(askAgain, (error: unknown) => {
        if (!(error instanceof ClientError)) throw error;
        refused.value = error;
      });
  };
  const invocation = value.value;
  const told = refused.value ?? fault.value;
  return (
    <section class="answer" aria-label={say('invocation.title')}>
      <div class="command-head">
        <code>{id}</code>
        <span class="room" />
        {invocation !== undefined && isUnended(invocation) && may('command') && (
          <button onClick={cancel}>{say('keys.stop')}</button>
        )}
        <button class="quiet" onClick={() => setQuery({ id: '' })}>
          {say('console.close')}
        </button>
      </div>
      {told !== undefined && <Notice tone="bad">{sayFailure(told)}</Notice>}
      {invocation !== undefined && <Outcome invocation={invocation} />}
    </section>
  );
}

function Outcome({ invocation }: { invocation: InvocationDetails }) {
  const { deviceId, command, output, problem, lateAnswer, safeToRetry } = invocation;
  return (
    <>
      <p>
        <a href={linkTo('devices', deviceId)}>
          <Said text={deviceId} />
        </a>{' '}
        · <Said text={command} /> ·{' '}
        <span class={toneOfState(invocation)}>{sayState(invocation, sayShared, now.value)}</span>
      </p>
      <Phases invocation={invocation} />
      {output !== undefined && <ValueView value={output} />}
      {problem !== undefined && <FailureView error={new ProblemError(problem)} />}
      {!isUnended(invocation) && problem?.safeToRetry === undefined && (
        <p class="dim">
          {say('answer.safe')}: {say(safeToRetry ? 'form.yes' : 'answer.safe.no')}
        </p>
      )}
      {lateAnswer !== undefined && (
        <>
          <p>{say('invocation.late', { time: sayTimestamp(lateAnswer.time, now.value) })}</p>
          {lateAnswer.output !== undefined && <ValueView value={lateAnswer.output} />}
          {lateAnswer.problem !== undefined && <FailureView error={new ProblemError(lateAnswer.problem)} />}
        </>
      )}
    </>
  );
}
