import { isJsonObject, type JsonObject } from '../base/json.ts';
import { LineReader } from '../base/line-reader.ts';
import { RunningCommand, type CommandEnd } from './command-runner.ts';
import type { PreparedCommand, PreparedDevice } from './definition.ts';
import type { HubSocket } from './hub-socket.ts';
import type { Report } from './link.ts';
import type { LinkOptions } from './options.ts';

/** What the hub gives a device of version 2 that it accepts. */
export type Welcome = {
  readonly id: string;
  /** Whoever has not heard of the other for so long pings it. */
  readonly keepAliveMs: number;
  /** For the datagrams of this session; undefined when the hub takes none. */
  readonly udpKey: Buffer | undefined;
};

/** Why the hub refused a device, or ended its connection. */
export type HubError = { readonly code: string; readonly message: string };

type FramedListener = {
  onWelcome(welcome: Welcome): void;
  /** The hub refuses the device, or says why it will close the connection. */
  onError(error: HubError): void;
  /** The hub sent what cannot be understood; the connection is of no more use. */
  onBroken(why: string): void;
};

const DEFAULT_KEEP_ALIVE_MS = 15_000;
/** A hub that is silent for longer than this would not be missed in time. */
const MAX_KEEP_ALIVE_MS = 3_600_000;

/** One connection of version 2: a JSON object a line, commands in any number and order. */
export class FramedConnection {
  readonly socket: HubSocket;
  readonly #device: PreparedDevice;
  readonly #options: LinkOptions;
  readonly #listener: FramedListener;
  readonly #lines: LineReader;
  readonly #commands: ReadonlyMap<string, PreparedCommand>;
  readonly #running = new Map<string, RunningCommand>();
  #isWelcome = false;
  #pings = 0;

  constructor(
    socket: HubSocket,
    context: { device: PreparedDevice; options: LinkOptions; listener: FramedListener },
  ) {
    this.socket = socket;
    this.#device = context.device;
    this.#options = context.options;
    this.#listener = context.listener;
    const { maxLineBytes: maxBytes, maxNestingDepth: maxDepth } = context.options;
    this.#lines = new LineReader({ maxBytes, maxDepth });
    this.#commands = new Map(context.device.commands.map((command) => [command.name, command]));
  }

  /** Says hello. */
  start(): void {
    this.socket.read((chunk) => this.#onBytes(chunk));
    this.socket.whenClosed(() => {
      const lost = [...this.#running.values()];
      this.#running.clear();
      for (const command of lost) command.abandon('connection-lost');
    });
    const { id, description } = this.#device;
    const { token } = this.#options;
    this.send({ recado: 2, id, ...(token !== undefined && { token }), description });
  }

  /** Asks the hub for a sign of life. */
  ping(): void {
    this.send({ ping: ++this.#pings });
  }

  /** Tells readings, or an event. */
  report({ readings, event, at }: Report): void {
    const time = at === undefined ? '' : `,"at":${JSON.stringify(at)}`;
    if (event === undefined) return this.socket.write(`{"telemetry":${JSON.stringify(readings)}${time}}\n`);
    const data = event.data === undefined ? '' : `,"data":${event.data}`;
    this.socket.write(`{"event":${JSON.stringify(event.name)}${data}${time}}\n`);
  }

  /** Writes one message as a line. */
  send(message: object): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  #onBytes(chunk: Buffer): void {
    this.#lines.push(chunk);
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      if (!this.socket.isOpen) return;
      if (line.kind === 'broken') return this.#break(line.why);
      this.#onMessage(line.value);
    }
  }

  #onMessage(message: unknown): void {
    if (!isJsonObject(message)) return this.#break('a line is no JSON object');
    if (!this.#isWelcome) return this.#onHelloAnswer(message);
    if (typeof message['cmd'] === 'string') this.#onCommand(message['cmd'], message);
    else if (typeof message['cancel'] === 'string') this.#end(message['cancel'])?.abandon('cancelled');
    else if (message['ping'] !== undefined) this.send({ pong: message['ping'] });
    else if (message['error'] !== undefined) this.#listener.onError(readError(message['error']));
    else if (message['warning'] !== undefined) this.#onWarning(readError(message['warning']));
    // Anything else is of a later version, which must not harm this one.
  }

  #onWarning({ code, message }: HubError): void {
    this.#options.onError(new Error(`The hub took not all that was reported: ${message} (${code})`));
  }

  #onHelloAnswer(message: Record<string, unknown>): void {
    if (message['ok'] !== true) return this.#listener.onError(readError(message['error']));
    this.#isWelcome = true;
    const { id, keepAliveMs, udpKey } = message;
    this.#listener.onWelcome({
      id: typeof id === 'string' ? id : (this.#device.id ?? ''),
      keepAliveMs: readKeepAlive(keepAliveMs),
      udpKey: typeof udpKey === 'string' && udpKey !== '' ? Buffer.from(udpKey, 'base64url') : undefined,
    });
  }

  #onCommand(id: string, message: Record<string, unknown>): void {
    if (this.#running.has(id)) return; // Said twice; the first is running.
    const command = this.#commands.get(String(message['name']));
    if (command === undefined) {
      return this.#answerError(id, {
        code: 'COMMAND_UNKNOWN',
        message: `This device has no command ${String(message['name'])}.`,
        status: 404,
      });
    }
    const { clock, onError, maxCommandsInFlight, maxCommandMs } = this.#options;
    if (this.#running.size >= maxCommandsInFlight) {
      const text = `The device runs ${maxCommandsInFlight} commands already. Try again when some have ended.`;
      return this.#answerError(id, { code: 'TOO_MANY_COMMANDS', message: text, status: 429 });
    }
    const asked = message['deadlineMs'];
    const deadlineMs = typeof asked === 'number' && asked >= 0 ? Math.min(asked, maxCommandMs) : maxCommandMs;
    const whenDone = (end: CommandEnd): void => {
      this.#running.delete(id);
      this.#answer(id, end);
    };
    const call = { input: command.input === undefined ? undefined : message['input'], deadlineMs };
    this.#running.set(id, new RunningCommand(command, call, { clock, onError, whenDone }));
  }

  /** Takes a command out, because nobody waits for it. */
  #end(id: string): RunningCommand | undefined {
    const command = this.#running.get(id);
    this.#running.delete(id);
    return command;
  }

  #answer(id: string, end: CommandEnd): void {
    if (end.kind === 'error') return this.#answerError(id, end);
    // The hub has told the caller already that no answer came: one that comes now would only be counted as late.
    if (end.kind === 'abandoned') return;
    const line = this.#writeOutput(id, end.output);
    if (line === undefined) {
      const message =
        'The output of the command is no JSON value, or is too large. The log of the device says which.';
      return this.#answerError(id, { code: 'OUTPUT_INVALID', message, status: undefined });
    }
    this.socket.write(line);
  }

  #writeOutput(id: string, output: unknown): string | undefined {
    try {
      const line = `${JSON.stringify({ re: id, output: output ?? null })}\n`;
      if (Buffer.byteLength(line) - 1 <= this.#options.maxLineBytes) return line;
      throw new RangeError(`it would take more than ${this.#options.maxLineBytes} bytes`);
    } catch (error) {
      this.#options.onError(new Error('The output of a handler cannot be sent.', { cause: error }));
      return undefined;
    }
  }

  #answerError(
    id: string,
    { code, message, status }: { code: string; message: string; status: number | undefined },
  ): void {
    this.send({ re: id, error: { code, message, ...(status !== undefined && { status }) } });
  }

  #break(why: string): void {
    this.#listener.onBroken(`The hub does not speak version 2 of the protocol here: ${why}.`);
    this.socket.close();
  }
}

function readKeepAlive(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, MAX_KEEP_ALIVE_MS) : DEFAULT_KEEP_ALIVE_MS;
}

function readError(error: unknown): HubError {
  const { code, message }: JsonObject = isJsonObject(error) ? error : {};
  return {
    code: typeof code === 'string' ? code : 'UNKNOWN',
    message: typeof message === 'string' ? message : 'The hub gave no reason.',
  };
}
