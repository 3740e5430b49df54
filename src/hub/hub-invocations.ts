import { createHash, randomBytes } from 'node:crypto';
import type { Accounts } from '../accounts/accounts.ts';
import type { Alarms } from '../base/alarms.ts';
import type { Issue } from '../base/errors.ts';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import { OWN_PARTY, type Ledger } from '../base/ledger.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type { Command } from '../devices/command.ts';
import type { Device } from '../devices/device.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Failure } from '../devices/failure.ts';
import type { KeyedInvocation } from '../devices/idempotency-keys.ts';
import type { InvocationBook } from '../devices/invocation-book.ts';
import type { InvocationRecord } from '../devices/invocation-record.ts';
import { Invocation, type InvocationBooking, type LastingTerms } from '../devices/invocation.ts';
import { measureInput, type InputLimits } from './measure-input.ts';
import { validateInput } from './validate-input.ts';

export type InvocationOptions = InputLimits & {
  readonly defaultTimeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly maxQueueForMs: number;
};

/** What a caller says beside the device and the command. */
export type InvokeOptions = {
  readonly input?: unknown;
  /** How long to wait for the answer, in ms; else the command's `expectedMs` three times, else the default. */
  readonly timeoutMs?: number | undefined;
  /** Aborts when the caller leaves: the invocation ends as cancelled. */
  readonly signal?: AbortSignal;
  /** Who asks: callers take turns in a device's queue. */
  readonly caller?: string;
  /** The principal that asks. */
  readonly principal?: string;
  /** The trace of its caller (W3C Trace Context), for the device. */
  readonly traceparent?: string | undefined;
};

/** What a caller says that is to be told later. */
export type LastingOptions = Omit<InvokeOptions, 'signal'> & {
  /** How long it may wait for its device, in ms; undefined: it is refused while the device is offline. */
  readonly queueForMs?: number | undefined;
  /** The caller's own name for it: asked again with the same one, nothing is done twice. */
  readonly idempotencyKey?: string | undefined;
};

/** An invocation that goes on without its caller; a second request with one key gets that of the first. */
export type LastingInvocation = {
  readonly isReplay: boolean;
  readonly invocation: Invocation | InvocationRecord;
};

type Parts = {
  readonly accounts: Accounts;
  readonly devices: DeviceRegistry;
  readonly book: InvocationBook;
  readonly ledger: Ledger;
  readonly alarms: Alarms;
  readonly options: InvocationOptions;
};

/** From what a caller asks to an invocation that its device's lane has taken in, or a refusal. */
export class HubInvocations {
  readonly #parts: Parts;
  /** Makes invocation ids unique across restarts, and sort in the order of their making. */
  readonly #idPrefix: string;
  /** From a number of ten digits on, so that they sort as texts. */
  #lastNumber = 1_000_000_000;
  #isStopping = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#idPrefix = `${parts.alarms.clock.now().toString(36)}${randomBytes(4).toString('hex')}`;
    parts.devices.observe((device, { status }) => {
      if (status !== 'online') return;
      this.#cancelForbidden(device);
      this.#checkQueued(device);
    });
    parts.accounts.onChange(() => {
      for (const device of parts.devices.all()) this.#cancelForbidden(device);
    });
  }

  /** Begins one that ends with its caller's patience: the caller follows it, with `whenDone` and `cancel`. */
  begin(deviceId: string, command: string | Command, options: InvokeOptions): Result<Invocation, Failure> {
    const found = this.#find(deviceId, command, options);
    if (!found.ok) return found;
    const { device } = found.value;
    if (!device.isOnline) return fail(offline(device));
    return this.#enter(found.value, options, undefined);
  }

  /** Begins one that goes on when its caller leaves, or finds what its key stands for. */
  beginLasting(
    deviceId: string,
    command: string,
    options: LastingOptions,
  ): Result<LastingInvocation, Failure> {
    const { accounts, book, options: limits } = this.#parts;
    const { principal = '', idempotencyKey: key, queueForMs } = options;
    const digest = key === undefined ? '' : digestOf(options);
    const keyed = key === undefined ? undefined : { principal, deviceId, command, key };
    const standing = keyed === undefined ? undefined : book.keys.get(keyed);
    if (standing !== undefined) {
      if (accounts.wasThere(principal, standing.acceptedAt)) return this.#replay(standing, digest);
      book.keys.free(standing.id);
    }
    const found = this.#find(deviceId, command, options);
    if (!found.ok) return found;
    const { device } = found.value;
    if (queueForMs === undefined && !device.isOnline) return fail(offline(device));
    if (queueForMs !== undefined && queueForMs > limits.maxQueueForMs)
      return tooLong('queueForMs', queueForMs, limits.maxQueueForMs, 'maxQueueForMs');
    const idempotency = key === undefined ? undefined : { key, digest };
    const begun = this.#enter(found.value, options, { queueForMs, idempotency }, (invocation) => {
      if (keyed === undefined) return true;
      const { id, acceptedAt } = invocation;
      return book.keys.keep(keyed, { id, digest, acceptedAt }, invocation.caller);
    });
    return begun.ok ? succeed({ isReplay: false, invocation: begun.value }) : begun;
  }

  /** Those that waited for their devices when the hub ended go on waiting. */
  async restore(): Promise<void> {
    const { devices, book, ledger } = this.#parts;
    await devices.load(ledger);
    for (const record of await book.load()) {
      const device = devices.get(record.deviceId);
      if (device === undefined) book.end(deviceGone(record, this.#parts.alarms.clock.now()));
      else device.lane.restore(this.#remake(record));
    }
  }

  /** Takes no more. What waits for its device goes on when the hub does, or ends where nothing is left of it. */
  stop(): void {
    this.#isStopping = true;
    const { devices, book } = this.#parts;
    for (const { lane } of devices.all()) {
      if (book.outlivesHub) lane.park();
      else lane.drop(STOPPING);
    }
  }

  cancel(invocation: Invocation): void {
    this.#parts.devices.get(invocation.deviceId)?.lane.giveUp(invocation, 'cancelled');
  }

  #replay({ id, digest }: KeyedInvocation, asked: string): Result<LastingInvocation, Failure> {
    const { book } = this.#parts;
    if (digest !== asked) {
      const message =
        'This Idempotency-Key stands for a request with another body. Use another key, or the same body.';
      return fail({ code: 'IDEMPOTENCY_CONFLICT', message });
    }
    return succeed({ isReplay: true, invocation: book.live(id) ?? book.get(id)! });
  }

  #find(
    deviceId: string,
    command: string | Command,
    { input, timeoutMs }: InvokeOptions,
  ): Result<{ device: Device; command: Command }, Failure> {
    const device = this.#parts.devices.get(deviceId);
    if (device === undefined)
      return fail({ code: 'DEVICE_UNKNOWN', message: `There is no device ${deviceId}.` });
    const known = typeof command === 'string' ? device.command(command) : command;
    if (known === undefined) return fail(unknownCommand(device, command as string));
    const issues = this.#checkInput(known, input);
    if (issues.length > 0) return fail(badInput(known, issues));
    if (this.#isStopping) return fail(STOPPING);
    const { maxTimeoutMs } = this.#parts.options;
    if (timeoutMs !== undefined && timeoutMs > maxTimeoutMs)
      return tooLong('timeoutMs', timeoutMs, maxTimeoutMs, 'maxTimeoutMs');
    return succeed({ device, command: known });
  }

  /** @param admit - whether what it promises can be kept */
  #enter(
    { device, command }: { device: Device; command: Command },
    { input, timeoutMs, caller = OWN_PARTY, principal = '', traceparent }: InvokeOptions,
    lasting: LastingTerms | undefined,
    admit: (invocation: Invocation) => boolean = () => true,
  ): Result<Invocation, Failure> {
    const { alarms, book } = this.#parts;
    const inputText = input === undefined ? undefined : JSON.stringify(input);
    const kept = this.#book(
      caller,
      inputText,
      lasting === undefined ? KeptKind.INVOCATION : KeptKind.LASTING_INVOCATION,
    );
    if (kept === undefined) return fail(TOO_MANY);
    const invocation = new Invocation({
      id: `${this.#idPrefix}${++this.#lastNumber}`,
      deviceId: device.id,
      command,
      inputText,
      timeoutMs: this.#timeoutMs(command, timeoutMs),
      caller,
      principal,
      traceparent,
      lasting,
      journal: book,
      alarms,
      kept,
    });
    if (!admit(invocation)) {
      kept.party.release(kept.kind, kept.bytes);
      return fail(TOO_MANY);
    }
    book.begin(invocation);
    device.lane.enter(invocation);
    return succeed(invocation);
  }

  #book(caller: string, inputText: string | undefined, kind: KeptKind): InvocationBooking | undefined {
    const bytes = costOf(kind, inputText?.length ?? 0);
    const party = this.#parts.ledger.open(caller);
    const hasRoom = party.admit(kind, bytes);
    party.close();
    return hasRoom ? { party, kind, bytes } : undefined;
  }

  #remake(record: InvocationRecord): Invocation {
    const { alarms, book, ledger } = this.#parts;
    const { caller, timeoutMs, queueForMs, key, digest, queued } = record.lasting!;
    const { command, inputText } = queued!;
    const kind = KeptKind.LASTING_INVOCATION;
    const bytes = costOf(kind, inputText?.length ?? 0);
    const party = ledger.open(caller);
    party.charge(kind, bytes);
    party.close();
    const { id, deviceId, principal, acceptedAt } = record;
    const idempotency = key === undefined ? undefined : { key, digest: digest! };
    const lasting = { queueForMs, idempotency };
    const known = { id, deviceId, command, inputText, timeoutMs, caller, principal, acceptedAt };
    const invocation = new Invocation({
      ...known,
      lasting,
      journal: book,
      alarms,
      kept: { party, kind, bytes },
    });
    book.begin(invocation);
    return invocation;
  }

  /** Who has lost an account has nothing done any more, also what was accepted before. */
  #cancelForbidden({ id, lane }: Device): void {
    for (const invocation of lane.lasting)
      if (!this.#parts.accounts.mayStill(invocation, 'command', this.#parts.devices.targetOf(id)))
        lane.giveUp(invocation, 'cancelled');
  }

  /** What waits for a device was checked when it was accepted; the device may describe itself otherwise now. */
  #checkQueued(device: Device): void {
    for (const invocation of device.lane.lasting) {
      const { command, inputText } = invocation;
      const known = device.command(command.name);
      if (known === undefined) {
        invocation.fail(unknownCommand(device, command.name));
        continue;
      }
      invocation.command = known;
      if (JSON.stringify(known.input) === JSON.stringify(command.input)) continue;
      const issues = validateInput(known, inputText === undefined ? undefined : JSON.parse(inputText));
      if (issues.length > 0) invocation.fail(badInput(known, issues));
    }
  }

  #checkInput(command: Command, input: unknown): readonly Issue[] {
    const tooLarge = measureInput(input, this.#parts.options);
    return tooLarge === undefined ? validateInput(command, input) : [tooLarge];
  }

  #timeoutMs(command: Command, asked: number | undefined): number {
    const { defaultTimeoutMs, maxTimeoutMs } = this.#parts.options;
    if (asked !== undefined) return asked;
    const expected = command.expectedMs === undefined ? 0 : command.expectedMs * 3;
    return Math.min(Math.max(defaultTimeoutMs, expected), maxTimeoutMs);
  }
}

const STOPPING: Failure = { code: 'HUB_STOPPING', message: 'The hub is shutting down.' };

const TOO_MANY: Failure = {
  code: 'TOO_MANY_INVOCATIONS',
  message: 'The hub keeps as many invocations as it may. Try again when some have ended.',
  retryAfterSeconds: 1,
};

/** Tells another request with the same key: all that the caller says of it. */
function digestOf({ input, timeoutMs, queueForMs }: LastingOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([input, timeoutMs, queueForMs]))
    .digest('base64url');
}

function offline({ id, presence }: Device): Failure {
  const since = new Date(presence.since).toISOString();
  const message = `Device ${id} is offline since ${since} (${presence.reason}).`;
  return { code: 'DEVICE_OFFLINE', message, retryAfterSeconds: 5 };
}

function badInput({ name }: Command, issues: readonly Issue[]): Failure {
  const faults = issues.map((issue) => `${issue.pointer || 'it'} ${issue.message}`).join('; ');
  return { code: 'INPUT_INVALID', message: `The input of ${name} does not fit: ${faults}.`, issues };
}

function tooLong(member: string, asked: number, most: number, key: string): Result<never, Failure> {
  const issues = [{ pointer: `/${member}`, message: `must be at most ${most} (invocations.${key})` }];
  const message = `${member} is ${asked}, and may be at most ${most}.`;
  return fail({ code: 'REQUEST_INVALID', message, issues });
}

function unknownCommand(device: Device, name: string): Failure {
  const names = device.description.commands.slice(0, 20).map((command) => command.name);
  const has = names.length === 0 ? 'It has no commands.' : `It has ${names.join(', ')}.`;
  return { code: 'COMMAND_UNKNOWN', message: `Device ${device.id} has no command ${name}. ${has}` };
}

function deviceGone(record: InvocationRecord, now: number): InvocationRecord {
  const message = `Device ${record.deviceId} was forgotten before the command was sent.`;
  const failure: Failure = { code: 'DEVICE_UNKNOWN', message };
  return { ...record, state: 'failed', endedAt: now, failure, code: failure.code };
}
