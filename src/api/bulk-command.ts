import type { ServerResponse } from 'node:http';
import { may, type DeviceTargets } from '../accounts/permissions.ts';
import type { Principal } from '../accounts/principal.ts';
import { Turn, type TurnWork } from '../base/turn.ts';
import type { Invocation } from '../devices/invocation.ts';
import { readEnd, type Hub, type InvokeFailure } from '../hub/hub.ts';
import { BulkLines } from './bulk-lines.ts';
import type { BulkBody, BulkEnd } from './bulk-schemas.ts';
import { problemOfInvocation } from './problems.ts';
import { writeInvocation } from './resources.ts';

/** Devices that are asked in one turn of the event loop: those that are offline are told at once. */
const TURN_DEVICES = 64;

type BulkParts = {
  readonly id: string;
  readonly hub: Hub;
  readonly principal: Principal;
  /** To whom it is put down. */
  readonly caller: string;
  readonly body: BulkBody;
  readonly maxConcurrent: number;
  /** Ids, in the order in which they are asked. */
  readonly selected: readonly string[];
  readonly targetOf: DeviceTargets;
  /** Whether its caller may have one more in flight, of all that it asks so. */
  readonly mayBegin: () => boolean;
  /** It has one more in flight, or one less. */
  readonly onInFlight: (change: 1 | -1) => void;
  readonly onEnded: () => void;
};

/** `running`: it asks. Else it asks nobody more, waits for those that it has asked, and ends so. */
type BulkState = 'running' | BulkEnd;

/**
 * One command to many devices. No more are asked than may be at once, and none while its reader does not take what
 * there is: so it holds a few lines, however many devices there are.
 */
export class BulkCommand implements TurnWork {
  readonly id: string;
  readonly caller: string;
  readonly lines: BulkLines;
  readonly #parts: BulkParts;
  readonly #inFlight = new Set<Invocation>();
  readonly #turn = new Turn();
  readonly #maxFailed: number;
  #principal: Principal;
  #state: BulkState = 'running';
  #next = 0;
  #completed = 0;
  #failed = 0;
  #isQueued = false;
  #hasEnded = false;

  constructor(parts: BulkParts) {
    const { id, caller, body, selected, hub } = parts;
    this.id = id;
    this.caller = caller;
    this.#parts = parts;
    this.#principal = parts.principal;
    this.#maxFailed = (body.stopOnFailureRate ?? 1) * selected.length;
    const mustKeep = body.resumeForMs !== undefined;
    this.lines = new BulkLines({ party: hub.ledger.open(caller), mustKeep, onRead: () => this.goOn() });
    this.lines.add(
      `{"type":"begin","id":"${id}","command":${text(body.command)},"selected":${selected.length}}`,
    );
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What has come of it, for people. */
  get summary(): string {
    return `${this.#completed} completed, ${this.#failed} failed, ${this.#notAsked} not asked`;
  }

  /** Its reader begins, or goes on after a line, as who it is then. */
  read(response: ServerResponse, { after, principal }: { after: number; principal: Principal }): void {
    this.#principal = principal;
    this.lines.open(response, after);
    this.goOn();
  }

  /** Asks no more devices, and cancels what runs. */
  cancel(): void {
    if (this.#hasEnded) return;
    this.#state = 'cancelled';
    for (const invocation of this.#inFlight) this.#parts.hub.cancel(invocation);
    this.goOn();
  }

  /** Something may have made room for more. */
  goOn(): void {
    if (this.#isQueued || this.#hasEnded) return;
    this.#isQueued = true;
    this.#turn.add(this);
  }

  endTurn(): void {
    this.#isQueued = false;
    for (let asked = 0; this.#mayAsk(); asked++) {
      if (asked === TURN_DEVICES) return this.goOn();
      if (!this.#askNext()) break;
    }
    if (this.#inFlight.size === 0 && (this.#state !== 'running' || this.#notAsked === 0)) this.#end();
  }

  get #notAsked(): number {
    return this.#parts.selected.length - this.#next;
  }

  #mayAsk(): boolean {
    return (
      this.#state === 'running' &&
      this.#notAsked > 0 &&
      this.#inFlight.size < this.#parts.maxConcurrent &&
      !this.lines.isFull &&
      this.#parts.mayBegin()
    );
  }

  /** @returns false when it has to wait until one that it has asked has ended */
  #askNext(): boolean {
    const { hub, caller, body, selected, targetOf, onInFlight } = this.#parts;
    const principal = this.#principal;
    const deviceId = selected[this.#next]!;
    // Also in the middle of it somebody may lose a right, and a device a tag.
    if (!may(principal, 'command', targetOf(deviceId))) {
      this.#next++;
      const message = `This account may not command ${deviceId}.`;
      this.#tellFailure(deviceId, { code: 'FORBIDDEN', message });
      return true;
    }
    const { command, input, timeoutMs } = body;
    const begun = hub.begin(deviceId, command, { input, timeoutMs, caller, principal: principal.id });
    if (!begun.ok && begun.failure.code === 'TOO_MANY_INVOCATIONS' && this.#inFlight.size > 0) return false;
    this.#next++;
    if (begun.ok) {
      const invocation = begun.value;
      this.#inFlight.add(invocation);
      onInFlight(1);
      invocation.whenDone(() => this.#settle(invocation));
    } else this.#tellFailure(deviceId, begun.failure);
    return true;
  }

  #settle(invocation: Invocation): void {
    this.#inFlight.delete(invocation);
    const end = readEnd(invocation);
    if (end.ok) {
      this.#completed++;
      const output = JSON.stringify(invocation.output ?? null);
      this.#tell(invocation.deviceId, `"output":${output},"invocation":${writeInvocation(invocation)}`);
    } else this.#tellFailure(invocation.deviceId, end.failure);
    this.#parts.onInFlight(-1);
    this.goOn();
  }

  #tellFailure(deviceId: string, failure: InvokeFailure): void {
    this.#failed++;
    if (this.#state === 'running' && this.#failed > this.#maxFailed) this.#state = 'stopped';
    const { invocation, ...problem } = problemOfInvocation(failure);
    const of = invocation === undefined ? '' : `,"invocation":${JSON.stringify(invocation)}`;
    this.#tell(deviceId, `"problem":${JSON.stringify(problem)}${of}`);
  }

  #tell(deviceId: string, members: string): void {
    this.lines.add(`{"type":"result","n":${this.lines.last + 1},"deviceId":${text(deviceId)},${members}}`);
  }

  #end(): void {
    this.#hasEnded = true;
    const state = this.#state === 'running' ? 'done' : this.#state;
    const counts = `"completed":${this.#completed},"failed":${this.#failed},"notAsked":${this.#notAsked}`;
    this.lines.add(`{"type":"end","n":${this.lines.last + 1},"state":"${state}",${counts}}`);
    this.lines.end();
    this.#parts.onEnded();
  }
}

function text(value: string): string {
  return JSON.stringify(value);
}
