import type { Command } from './command.ts';
import type { Failure } from './failure.ts';
import type { InvocationSnapshot } from './invocation-snapshot.ts';
import type { Invocation, LastingTerms, LateAnswer } from './invocation.ts';

/** What became of an invocation, or how it stands: a value that is kept, stored, and shown. */
export type InvocationRecord = InvocationSnapshot & {
  /** As JSON, of one that lasts: who asked for any other has it. */
  readonly outputText?: string | undefined;
  readonly lateAnswer?: LateAnswerRecord | undefined;
  readonly lasting?: LastingRecord | undefined;
};

type LateAnswerRecord = {
  /** Wall time, ms. */
  readonly time: number;
  readonly outputText: string | undefined;
  readonly failure: Failure | undefined;
};

/** What an invocation that lasts needs to go on, or to be found by its key. */
type LastingRecord = {
  /** The party that it is booked to. */
  readonly caller: string;
  readonly timeoutMs: number;
  /** Done twice it does no more than done once. */
  readonly isRepeatable: boolean;
  readonly queueForMs: number | undefined;
  readonly key: string | undefined;
  readonly digest: string | undefined;
  /** While it is queued: the whole command, so that it can be sent when the hub has been started anew. */
  readonly queued: { readonly command: Command; readonly inputText: string | undefined } | undefined;
};

/** How an invocation stands. */
export function recordInvocation(invocation: Invocation): InvocationRecord {
  const { state, output, lateAnswer, lasting } = invocation;
  const snapshot = invocation.snapshot();
  if (lasting === undefined && lateAnswer === undefined) return snapshot;
  const isKept = lasting !== undefined && state === 'completed';
  return {
    ...snapshot,
    failure: lasting === undefined ? snapshot.failure : invocation.failure,
    outputText: isKept ? JSON.stringify(output ?? null) : undefined,
    lateAnswer: lateAnswer === undefined ? undefined : recordLateAnswer(lateAnswer),
    lasting: lasting === undefined ? undefined : recordLasting(invocation, lasting),
  };
}

function recordLateAnswer({ time, output, failure }: LateAnswer): LateAnswerRecord {
  const outputText = failure === undefined ? JSON.stringify(output ?? null) : undefined;
  return { time, outputText, failure };
}

function recordLasting(invocation: Invocation, { queueForMs, idempotency }: LastingTerms): LastingRecord {
  const { caller, timeoutMs, state, command, inputText } = invocation;
  return {
    caller,
    timeoutMs,
    isRepeatable: command.kind === 'read' || command.idempotent,
    queueForMs,
    key: idempotency?.key,
    digest: idempotency?.digest,
    queued: state === 'queued' ? { command, inputText } : undefined,
  };
}

/** How many characters of a record are not the same in each. */
export function recordCharacters({ outputText, failure, lateAnswer, lasting }: InvocationRecord): number {
  if (failure === undefined && lasting === undefined) return 0;
  const failures = failure === undefined ? 0 : failure.message.length + lengthOf(failure.device?.payload);
  const late = (lateAnswer?.outputText?.length ?? 0) + lengthOf(lateAnswer?.failure);
  return (outputText?.length ?? 0) + failures + late + (lasting?.key?.length ?? 0);
}

function lengthOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}

/** What became of one that was on its way when the hub ended without a word. */
export function endByRestart(record: InvocationRecord, now: number): InvocationRecord {
  const message =
    'The hub ended while this command was on its way, and nobody can say whether the device has done it.';
  const failure: Failure = { code: 'HUB_RESTARTED', message };
  const safeToRetry = record.lasting?.isRepeatable === true;
  return { ...record, state: 'failed', endedAt: now, safeToRetry, failure, code: failure.code };
}
