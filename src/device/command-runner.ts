import type { Clock } from '../base/clock.ts';
import { CommandError } from './command-error.ts';
import type { CommandCall, PreparedCommand } from './definition.ts';

/** How a command ended. */
export type CommandEnd =
  | { readonly kind: 'output'; readonly output: unknown }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly status: number | undefined;
    }
  /** Nobody waits for its answer any more; it may still be running. */
  | { readonly kind: 'abandoned'; readonly why: Abandonment };

type Abandonment = 'deadline' | 'cancelled' | 'connection-lost';

/** A handler that has been started. */
export class RunningCommand {
  readonly #controller = new AbortController();
  readonly #whenDone: (end: CommandEnd) => void;
  readonly #timer: { clear(): void };
  #isDone = false;
  /** Resolves when the handler has ended, which may be long after nobody waits for it. */
  readonly ended: Promise<void>;

  /**
   * Starts the handler. `whenDone` is called exactly once, whatever the handler does, and never before the
   * constructor has returned.
   *
   * @param options - `onError` is told what the handler threw, unless that was a CommandError
   */
  constructor(
    command: PreparedCommand,
    call: Omit<CommandCall<unknown>, 'signal'>,
    options: { clock: Clock; onError: (error: unknown) => void; whenDone: (end: CommandEnd) => void },
  ) {
    this.#whenDone = options.whenDone;
    this.#timer = options.clock.setTimer(call.deadlineMs, () => this.abandon('deadline'));
    const { signal } = this.#controller;
    const run = async (): Promise<unknown> => command.run({ ...call, input: call.input as never, signal });
    this.ended = run().then(
      (output) => this.#finish({ kind: 'output', output }),
      (error: unknown) => {
        // A handler that stops because it was told to has not failed.
        if (!(error instanceof CommandError) && !(this.#isDone && signal.aborted)) {
          options.onError(new Error(`The handler of command ${command.name} failed.`, { cause: error }));
        }
        this.#finish(failureOf(error, command));
      },
    );
  }

  /** Tells the handler to stop, and ends the wait for it. */
  abandon(why: Abandonment): void {
    if (this.#isDone) return;
    this.#finish({ kind: 'abandoned', why });
    this.#controller.abort(
      new DOMException(ABANDONED[why], why === 'deadline' ? 'TimeoutError' : 'AbortError'),
    );
  }

  #finish(end: CommandEnd): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer.clear();
    this.#whenDone(end);
  }
}

const ABANDONED: Record<Abandonment, string> = {
  deadline: 'The time of the caller is over.',
  cancelled: 'The caller gave the command up.',
  'connection-lost': 'The connection to the hub ended.',
};

function failureOf(error: unknown, command: PreparedCommand): CommandEnd {
  if (error instanceof CommandError) {
    return { kind: 'error', code: error.code, message: error.message, status: error.status };
  }
  // The text of an unforeseen error may tell strangers about the inside of the device.
  const message = `${command.title} failed on the device. Its log says why.`;
  return { kind: 'error', code: 'HANDLER_FAILED', message, status: undefined };
}
