import {
  HubAnswerError,
  HubUnreachableError,
  ProblemError,
  type ClientError,
  type DeviceFailure,
  type Invocation,
  type InvocationPhase,
} from '../../client/index.ts';
import { sayIfKnown, type Say } from '../messages.ts';
import { GAP_BLOCK, quotedBlock, textBlock, type Block, type Fact } from '../ui/blocks.ts';
import { startCommandFor } from './hub-url.ts';
import { sayIssue } from './issue-words.ts';
import type { PageContext } from './page-context.ts';
import { sayShortDuration, sayTime } from './time-words.ts';
import { valueBlocks } from './value-lines.ts';

/** A failure in the words of the pages. */
type Explanation = {
  readonly title: string;
  /** The stable code and status, for looking it up; empty when there is none. */
  readonly code: string;
  /** What happened this time, in the words of who says it. */
  readonly detail: string;
  /** What else is known: what it is, and its value. */
  readonly facts: readonly (readonly [label: string, text: string])[];
  /** What the device sent beside, as it came; undefined when nothing. */
  readonly payload: unknown;
};

/** Codes of which the title says all that the hub says, in the language of the pages. */
const SELF_EXPLAINING: ReadonlySet<string> = new Set([
  'UNAUTHENTICATED',
  'DEVICE_UNKNOWN',
  'COMMAND_UNKNOWN',
  'DEVICE_OFFLINE',
  'DEVICE_ONLINE',
  'DEVICE_LOST',
  'ANSWER_TIMEOUT',
  'TOO_MANY_INVOCATIONS',
  'INVOCATION_CANCELLED',
  'HUB_STOPPING',
]);

const PHASES: readonly InvocationPhase[] = ['accepted', 'sent', 'delivered', 'answered'];

/** Everything that is known of a failure; `request` is what was sent to a device, where something was. */
export function failureBlocks(
  error: ClientError,
  { say, clock, isLive }: Pick<PageContext, 'say' | 'clock' | 'isLive'>,
  request?: readonly Fact[],
): Block[] {
  const { title, code, detail, facts: known, payload } = explainFailure(error, say, clock.now());
  // To look again is always safe.
  const facts = request === undefined ? known.filter(([label]) => label !== say('answer.safe')) : known;
  // Others say why they refused; why there was no answer, this program does.
  const isQuoted = error instanceof ProblemError;
  const codeFact = isLive && code !== '' ? [{ label: say('answer.code'), text: code }] : [];
  return [
    textBlock(isLive || code === '' ? title : `${title} (${code})`, 'bad', { text: '✗ ', tone: 'bad' }),
    GAP_BLOCK,
    ...(detail === '' ? [] : [isQuoted ? quotedBlock(detail) : textBlock(detail), GAP_BLOCK]),
    {
      kind: 'facts',
      facts: [...(request ?? []), ...facts.map(([label, text]) => ({ label, text })), ...codeFact],
    },
    ...(payload === undefined ? [] : [GAP_BLOCK, ...valueBlocks(payload, say)]),
  ];
}

/** Puts the failure of a call into words. */
export function explainFailure(error: ClientError, say: Say, now: number): Explanation {
  if (error instanceof ProblemError) return explainProblem(error, say, now);
  const isSafe = error.safeToRetry === true;
  const isUnreachable = error instanceof HubUnreachableError;
  const isStrange = error instanceof HubAnswerError;
  return {
    title: say(`problem.${isUnreachable ? 'unreachable' : isStrange ? 'strange' : 'unexpected'}`),
    code: isStrange && error.status > 0 ? String(error.status) : '',
    detail: sayUnreachable(error, say),
    facts: [[say('answer.safe'), say(isSafe ? 'form.yes' : 'answer.safe.no')]],
    payload: undefined,
  };
}

/** Why the hub cannot be talked to, and what to do. */
export function sayUnreachable(error: ClientError, say: Say): string {
  if (!(error instanceof HubUnreachableError || error instanceof HubAnswerError)) return error.message;
  const { url } = error;
  if (error instanceof HubUnreachableError)
    return say(`connect.advice.${error.reason}`, { url, command: startCommandFor(url) });
  if (error.location !== undefined) return say('connect.advice.redirect', { url, location: error.location });
  return say('connect.advice.strange', { url });
}

/** Why the hub is gone, in a few words. */
export function sayGoneReason(error: HubUnreachableError | HubAnswerError, say: Say): string {
  return say(error instanceof HubUnreachableError ? `hub.reason.${error.reason}` : 'hub.reason.strange');
}

function explainProblem(error: ProblemError, say: Say, now: number): Explanation {
  const facts: [string, string][] = [];
  for (const issue of error.errors)
    facts.push([issue.pointer === '' ? say('answer.input') : issue.pointer, sayIssue(issue, say)]);
  const device = error.device;
  if (device !== undefined) {
    const parts = [device.message, device.code, device.status].filter(
      (part) => part !== undefined && part !== '',
    );
    if (parts.length > 0) facts.push([say('answer.said'), parts.join(' · ')]);
  }
  const reached =
    error.invocation === undefined ? sayPhase(error.phase, say) : sayPhases(error.invocation, say, now);
  if (reached !== '') facts.push([say('answer.reached'), reached]);
  // What a hub refuses with 4xx it refuses again.
  const isRefused = error.status >= 400 && error.status < 500 && error.status !== 429;
  if (error.safeToRetry === false || (error.safeToRetry === true && !isRefused)) {
    facts.push([say('answer.safe'), say(error.safeToRetry ? 'form.yes' : 'answer.safe.no')]);
  }
  if (error.retryAfterMs !== undefined)
    facts.push([say('answer.retryAfter'), sayShortDuration(say, error.retryAfterMs)]);
  if (error.invocation !== undefined) facts.push([say('answer.invocation'), error.invocation.id]);
  const title = sayIfKnown(say, `problem.${error.code}`) ?? (error.title === '' ? error.code : error.title);
  return {
    title,
    code: `${error.code} · ${error.status}`,
    detail: detailOf(error),
    facts,
    payload: device !== undefined && !isRepeated(device) ? device.payload : undefined,
  };
}

/** The hub's own sentence, where it says more than what is told anyway. */
function detailOf({ code, title, detail, errors, device }: ProblemError): string {
  if (SELF_EXPLAINING.has(code) || detail === title) return '';
  if (code === 'INPUT_INVALID' && errors.length > 0) return '';
  return device?.message !== undefined && device.message !== '' && detail.includes(device.message)
    ? ''
    : detail;
}

/** The payload says nothing that is not told already. */
function isRepeated(device: DeviceFailure): boolean {
  const { payload, ...told } = device;
  if (typeof payload !== 'object' || payload === null) return payload === undefined;
  return Object.entries(payload).every(
    ([name, value]) => Object.hasOwn(told, name) && told[name as keyof typeof told] === value,
  );
}

/** How far an invocation came, each phase with the time since the first: `accepted 10:32:05 · sent +2 ms`. */
export function sayPhases(invocation: Invocation, say: Say, now: number): string {
  const parts: string[] = [];
  let first: number | undefined;
  for (const phase of PHASES) {
    const timestamp = invocation.phases[phase];
    if (timestamp === undefined) continue;
    const at = Date.parse(timestamp);
    parts.push(
      `${say(`phase.${phase}`)} ${first === undefined ? sayTime(at, now) : `+${sayShortDuration(say, at - first)}`}`,
    );
    first ??= at;
  }
  return parts.join(' · ');
}

function sayPhase(phase: InvocationPhase | undefined, say: Say): string {
  return phase === undefined ? '' : say(`phase.${phase}`);
}
