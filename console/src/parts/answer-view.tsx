import {
  ProblemError,
  type ClientError,
  type Invocation,
  type InvocationPhase,
  type InvocationResult,
} from '../../../src/client/index.ts';
import { sayIssue } from '../../../src/terminal/manage/issue-words.ts';
import { sayShortDuration, sayTime } from '../../../src/terminal/manage/time-words.ts';
import { sayFailure } from '../failure.ts';
import { now } from '../live.ts';
import { say, sayShared } from '../words.ts';
import { Said } from './said.tsx';

export type Answer =
  | { readonly kind: 'waiting'; readonly sinceMs: number }
  | { readonly kind: 'done'; readonly result: InvocationResult }
  | { readonly kind: 'failed'; readonly error: ClientError };

const PHASES: readonly InvocationPhase[] = ['accepted', 'sent', 'delivered', 'answered'];

/** What came of a command, where it was sent. */
export function AnswerView({ answer }: { answer: Answer }) {
  return (
    <div class="answer" role="status">
      {answer.kind === 'waiting' && <span class="dim">{say('invocation.running')} …</span>}
      {answer.kind === 'done' && <Done result={answer.result} />}
      {answer.kind === 'failed' && <FailureView error={answer.error} />}
    </div>
  );
}

function Done({ result: { output, invocation } }: { result: InvocationResult }) {
  return (
    <>
      <ValueView value={output} />
      <Phases invocation={invocation} />
    </>
  );
}

/** What a device answered. */
export function ValueView({ value }: { value: unknown }) {
  if (value === null) return <p class="good">{say('answer.nothing')}</p>;
  return (
    <pre tabIndex={0}>
      <Said text={typeof value === 'string' ? value : JSON.stringify(value, null, 2)} />
    </pre>
  );
}

/** Why there is no answer: the cause, what the device said, and whether to send it again. */
export function FailureView({ error }: { error: ClientError }) {
  const problem = error instanceof ProblemError ? error : undefined;
  const device = problem?.device;
  const said = [device?.message, device?.code, device?.status].filter((part) => part !== undefined);
  return (
    <>
      <p class="bad">
        {sayFailure(error)} {problem !== undefined && <code>{problem.code}</code>}
      </p>
      {problem?.errors.map((issue) => (
        <p key={issue.pointer}>
          <code>{issue.pointer}</code> <Said text={sayIssue(issue, sayShared)} />
        </p>
      ))}
      {said.length > 0 && (
        <p>
          {say('answer.said')}: <Said text={said.join(' · ')} />
        </p>
      )}
      {problem?.safeToRetry !== undefined && (
        <p class="dim">
          {say('answer.safe')}: {say(problem.safeToRetry ? 'form.yes' : 'answer.safe.no')}
        </p>
      )}
      {problem?.invocation !== undefined && <Phases invocation={problem.invocation} />}
    </>
  );
}

/** How far it came: the first phase with its time, each other with the time since. */
export function Phases({ invocation: { phases } }: { invocation: Invocation }) {
  const firstMs = Date.parse(phases.accepted);
  return (
    <ol class="phases">
      {PHASES.map((phase) => {
        const at = phases[phase];
        if (at === undefined) return null;
        const atMs = Date.parse(at);
        return (
          <li key={phase}>
            {say(`phase.${phase}`)}{' '}
            <span class="dim">
              {phase === 'accepted'
                ? sayTime(atMs, now.peek())
                : `+${sayShortDuration(sayShared, atMs - firstMs)}`}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
