import { escapeLine } from '../../base/printable-text.ts';
import { detectLanguage } from '../../terminal/language.ts';
import { sayIssue } from '../../terminal/manage/issue-words.ts';
import { createSay } from '../../terminal/messages.ts';
import { ClientError, HubUnreachableError, ProblemError } from '../../client/index.ts';

/** For scripts: what kind of failure it was. The help and docs/shell.md tell them. */
export const DEVICE_EXITS = {
  0: 'done',
  1: 'failed in another way',
  2: 'the command line is wrong',
  3: 'the hub cannot be reached',
  4: 'the hub does not know this caller, or does not let it',
  5: 'there is no such device or command',
  6: 'the input does not fit',
  7: 'the device is offline, or was lost',
  8: 'the device answered that it failed, or what cannot be read',
  9: 'the hub has too much to do; try again',
  27: 'the device did not answer in time',
} as const;

type DeviceExit = keyof typeof DEVICE_EXITS;

/** What a failure of a hub ends with, and what to do about it, where the message does not say it. */
const KINDS: Readonly<Record<string, { readonly exit: DeviceExit; readonly advice?: string }>> = {
  UNAUTHENTICATED: { exit: 4, advice: 'give the token of the hub in RECADO_TOKEN' },
  FORBIDDEN: { exit: 4 },
  DEVICE_UNKNOWN: { exit: 5, advice: '`recado devices` lists those that there are' },
  COMMAND_UNKNOWN: { exit: 5 },
  INPUT_INVALID: { exit: 6 },
  REQUEST_INVALID: { exit: 6 },
  BODY_TOO_LARGE: { exit: 6 },
  DEVICE_OFFLINE: { exit: 7 },
  DEVICE_LOST: { exit: 7 },
  DEVICE_ERROR: { exit: 8 },
  BAD_ANSWER: { exit: 8 },
  HUB_RESTARTED: { exit: 7 },
  TOO_MANY_INVOCATIONS: { exit: 9 },
  STORE_UNAVAILABLE: { exit: 9 },
  HUB_STOPPING: { exit: 9 },
  ANSWER_TIMEOUT: { exit: 27, advice: '--timeout waits longer' },
  QUEUE_TIMEOUT: { exit: 27, advice: '--queue-for waits longer' },
};

/** Tells a failure on standard error and sets the exit code; what is none of a hub is thrown on. */
export function tellFailure(error: unknown, { json }: { readonly json?: true }): void {
  if (!(error instanceof ClientError)) throw error;
  const kind = error instanceof ProblemError ? KINDS[error.code] : undefined;
  process.exitCode = error instanceof HubUnreachableError ? 3 : (kind?.exit ?? 1);
  const text = json === true ? jsonOf(error) : `recado: ${textOf(error, kind?.advice)}`;
  process.stderr.write(`${escapeLine(text)}\n`);
}

function textOf(error: ClientError, advice: string | undefined): string {
  if (error instanceof HubUnreachableError && error.reason === 'certificate-untrusted')
    return `${error.message.replace(/\.$/, '')}; or with --cafile`;
  if (!(error instanceof ProblemError)) return error.message;
  if (error.code === 'INPUT_INVALID' && error.errors.length > 0) return inputFaults(error);
  const issues = error.errors
    .filter(({ message }) => !error.detail.includes(message))
    .map(({ pointer, message }) => `; ${pointer === '' ? 'the input' : pointer} ${message}`);
  const doubt = error.safeToRetry === false ? '; it may have done it all the same' : '';
  const next = advice === undefined ? '' : `; ${advice}`;
  const detail = error.detail === '' ? error.title : error.detail;
  return `${detail.replace(/\.$/, '')}${issues.join('')}${doubt}${next} (${error.code})`;
}

/** What does not fit, as `recado manage` says it, in the language of whoever wrote the input. */
function inputFaults({ code, errors }: ProblemError): string {
  const say = createSay(detectLanguage(process.env));
  const faults = errors.map((issue) =>
    `; ${issue.pointer} ${sayIssue(issue, say)}`.replace('  ', ' ').replace(/\.$/, ''),
  );
  return `${say('problem.INPUT_INVALID')}${faults.join('')}; ${say('call.shows')} (${code})`;
}

function jsonOf(error: ClientError): string {
  if (!(error instanceof ProblemError))
    return JSON.stringify({ code: 'HUB_UNREACHABLE', detail: error.message, safeToRetry: error.safeToRetry });
  const { code, status, title, detail, phase, safeToRetry, retryAfterMs, errors, device } = error;
  return JSON.stringify({ code, status, title, detail, phase, safeToRetry, retryAfterMs, errors, device });
}
