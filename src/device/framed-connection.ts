import { createSecretKey, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { LineReader } from '../base/line-reader.ts';
import type { PreparedDevice } from './definition.ts';
import type { HubSocket } from './hub-socket.ts';
import type { Report } from './link.ts';
import type { LinkOptions } from './options.ts';
import { RunningCommands, writeOutput, type CommandFailure } from './running-commands.ts';

/** What the hub gives a device of version 2 that it accepts. */
export type Welcome = {
  readonly id: string;
  /** Whoever has not heard of the other for so long pings it. */
  readonly keepAliveMs: number;
  /** For the datagrams of this session; undefined when the hub takes none. */
  readonly udpKey: KeyObject | undefined;
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
  readonly #commands: RunningCommands;
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
    this.#commands = new RunningCommands(context.device.commands, context.options, {
      output: (re, output) => {
        const around = (json: string): string => `{"re":${JSON.stringify(re)},"output":${json}}`;
        this.socket.write(`${writeOutput(output, maxBytes, around)}\n`);
      },
      failure: (re, failure) => this.#answerError(re, failure),
    });
  }

  /** Says hello. */
  start(): void {
    this.socket.read((chunk) => this.#onBytes(chunk));
    this.socket.whenClosed(() => this.#commands.abandonAll());
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
    const { cmd, name, input, deadlineMs, traceparent, cancel } = message;
    if (typeof cmd === 'string') {
      this.#commands.begin(cmd, { name: String(name), input, deadlineMs, traceparent });
    } else if (typeof cancel === 'string') this.#commands.cancel(cancel);
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
      udpKey: typeof udpKey === 'string' && udpKey !== '' ? createSecretKey(udpKey, 'base64url') : undefined,
    });
  }

  #answerError(id: string, { code, message, status }: CommandFailure): void {
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
