import { RunningCommand, type CommandEnd } from './command-runner.ts';
import type { PreparedCommand } from './definition.ts';
import type { LinkOptions } from './options.ts';

/** What went wrong with a command, as the hub is told. */
export type CommandFailure = {
  readonly code: string;
  readonly message: string;
  readonly status: number | undefined;
};

/** How answers go to the hub. */
type AnswerWriter = {
  /** Throws when the output is no JSON value, or too large. */
  output(invocationId: string, output: unknown): void;
  failure(invocationId: string, failure: CommandFailure): void;
};

/** A command as the hub sent it: nothing of it is known to be right but its name. */
type AskedCommand = {
  readonly name: string;
  readonly input: unknown;
  readonly deadlineMs: unknown;
  readonly traceparent: unknown;
};

/** The commands that run for one connection, by the ids of their invocations. */
export class RunningCommands {
  readonly #commands: ReadonlyMap<string, PreparedCommand>;
  readonly #options: LinkOptions;
  readonly #answers: AnswerWriter;
  readonly #running = new Map<string, RunningCommand>();
  /** Handlers that run, those included that nobody waits for any more. */
  #handlers = 0;

  constructor(commands: readonly PreparedCommand[], options: LinkOptions, answers: AnswerWriter) {
    this.#commands = new Map(commands.map((command) => [command.name, command]));
    this.#options = options;
    this.#answers = answers;
  }

  /** Runs a command and answers when it ends. Said twice, the first is running. */
  begin(id: string, { name, input, deadlineMs: asked, traceparent }: AskedCommand): void {
    if (this.#running.has(id)) return;
    const command = this.#commands.get(name);
    if (command === undefined) {
      const message = `This device has no command ${name}.`;
      return this.#answers.failure(id, { code: 'COMMAND_UNKNOWN', message, status: 404 });
    }
    const { clock, onError, maxCommandsInFlight, maxCommandMs } = this.#options;
    if (this.#handlers >= maxCommandsInFlight) {
      const message = `The device runs ${maxCommandsInFlight} commands already. Try again when some have ended.`;
      return this.#answers.failure(id, { code: 'TOO_MANY_COMMANDS', message, status: 429 });
    }
    const deadlineMs = typeof asked === 'number' && asked >= 0 ? Math.min(asked, maxCommandMs) : maxCommandMs;
    const whenDone = (end: CommandEnd): void => {
      this.#running.delete(id);
      this.#answer(id, end);
    };
    const call = {
      input: command.input === undefined ? undefined : input,
      deadlineMs,
      ...traceOf(traceparent),
    };
    const running = new RunningCommand(command, call, { clock, onError, whenDone });
    this.#running.set(id, running);
    this.#handlers++;
    void running.ended.then(() => this.#handlers--);
  }

  /** Nobody waits for it any more. */
  cancel(id: string): void {
    const command = this.#running.get(id);
    this.#running.delete(id);
    command?.abandon('cancelled');
  }

  /** The connection has ended: nobody could be answered. */
  abandonAll(): void {
    const lost = [...this.#running.values()];
    this.#running.clear();
    for (const command of lost) command.abandon('connection-lost');
  }

  #answer(id: string, end: CommandEnd): void {
    if (end.kind === 'error') return this.#answers.failure(id, end);
    // The hub has told the caller already that no answer came: one that comes now would only be counted as late.
    if (end.kind === 'abandoned') return;
    try {
      this.#answers.output(id, end.output);
    } catch (error) {
      this.#options.onError(new Error('The output of a handler cannot be sent.', { cause: error }));
      const message =
        'The output of the command is no JSON value, or is too large. The log of the device says which.';
      this.#answers.failure(id, { code: 'OUTPUT_INVALID', message, status: undefined });
    }
  }
}

/** An output as JSON, `null` for none. @throws when it is no JSON value, or has more than `most` bytes */
export function writeOutput(output: unknown, most: number, wrap: (json: string) => string): string {
  const text = wrap(JSON.stringify(output ?? null));
  if (Buffer.byteLength(text) > most) throw new RangeError(`it would take more than ${most} bytes`);
  return text;
}

function traceOf(traceparent: unknown): { readonly traceparent?: string } {
  return typeof traceparent === 'string' ? { traceparent } : {};
}
