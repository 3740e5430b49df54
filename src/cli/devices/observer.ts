import { definedMembers } from '../../base/defined-members.ts';
import {
  ProblemError,
  type Client,
  type Device,
  type HubEvent,
  type Presence,
  type Reading,
} from '../../client/index.ts';

type Told<Type extends HubEvent['type']> = Extract<HubEvent, { readonly type: Type }>;
/** Of a command: an event of the hub, or what it answered when it was asked. */
type InvocationNews = Omit<Told<'invocation'>, 'id'>;

/** How a command ended is not kept any more. */
const UNKNOWN = 'INVOCATION_UNKNOWN';

/** Something about a device that was not so when it was last looked at, or that happened. */
export type Observation =
  | { readonly type: 'presence'; readonly deviceId: string; readonly presence: Omit<Presence, 'lastSeen'> }
  | { readonly type: 'reading'; readonly deviceId: string; readonly reading: Reading }
  | {
      readonly type: 'unavailable';
      readonly deviceId: string;
      readonly reason: string;
      readonly time: string;
    }
  | { readonly type: 'forgotten'; readonly deviceId: string }
  | InvocationNews
  | Told<'description' | 'event'>;

/**
 * Tells what changes at the devices of a hub: the first look tells all there is. Whatever may have been lost (the hub
 * was started again, or told more than was read) is looked at anew, also what became of the commands that ran.
 */
export class Observer {
  readonly #client: Client;
  readonly #wanted: ReadonlySet<string>;
  readonly #tell: (observation: Observation) => void;
  readonly #sequences = new Map<string, number>();
  /** The time of the latest, by device and metric. */
  readonly #times = new Map<string, Map<string, string>>();
  /** Why devices have nothing to report. */
  readonly #reasons = new Map<string, string>();
  /** Commands whose end was not told yet, by id. */
  readonly #unended = new Map<string, InvocationNews>();
  /** Their end was told by the last look: the hub's own word for it may still come. */
  readonly #endedByLook = new Set<string>();
  #hasLooked = false;
  #isStale = false;
  #hasRestarted = false;

  /** @param wanted - only these devices; none: all */
  constructor(client: Client, wanted: ReadonlySet<string>, tell: (observation: Observation) => void) {
    this.#client = client;
    this.#wanted = wanted;
    this.#tell = tell;
  }

  /** Something may have happened that nobody told: look. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Looks once. Throws what the client throws. */
  async look(signal: AbortSignal): Promise<void> {
    this.#endedByLook.clear();
    const seen = new Set<string>();
    const online: string[] = [];
    for await (const device of this.#devices(signal)) {
      seen.add(device.deviceId);
      this.#onPresence(device.deviceId, device.presence);
      if (device.presence.status === 'online') online.push(device.deviceId);
    }
    for (const deviceId of this.#sequences.keys()) if (!seen.has(deviceId)) this.#forget(deviceId);
    for (const deviceId of online) await this.#readings(deviceId, signal);
    for (const news of this.#unended.values()) await this.#lookAfter(news, signal);
    this.#hasLooked = true;
    this.#isStale = false;
    this.#hasRestarted = false;
  }

  /** What the hub tells by itself, unless the last look has told it. */
  take(event: HubEvent): void {
    if (event.type === 'presence') this.#onPresence(event.deviceId, event.presence);
    else if (event.type === 'reading') this.#onReading(event.deviceId, event);
    else if (event.type === 'unavailable') this.#onUnavailable(event);
    else if (event.type === 'forgotten') this.#forget(event.deviceId);
    else if (event.type === 'invocation') this.#onInvocation(event);
    else if (event.type === 'description' || event.type === 'event') this.#tell(event);
    else this.#onStream(event);
  }

  #onStream(event: Told<'connected' | 'disconnected' | 'missed' | 'reset'>): void {
    if (event.type === 'missed' || event.type === 'reset') this.#isStale = true;
    if (event.type === 'connected' && !event.isResumed) this.#isStale = true;
    if (event.type === 'reset' && event.reason === 'hub-restarted') this.#hasRestarted = true;
  }

  async *#devices(signal: AbortSignal): AsyncGenerator<Device, void, void> {
    if (this.#wanted.size === 0) yield* this.#client.devices.all({ limit: 1000, signal });
    for (const deviceId of this.#wanted) {
      try {
        yield await this.#client.devices.get(deviceId, { signal });
      } catch (error) {
        // A name that was never right is a mistake; one that was is forgotten.
        const isForgotten = error instanceof ProblemError && error.code === 'DEVICE_UNKNOWN';
        if (!isForgotten || !this.#hasLooked) throw error;
      }
    }
  }

  #onInvocation(news: InvocationNews): void {
    const { id } = news.invocation;
    if (!hasEnded(news)) this.#unended.set(id, news);
    else if (!this.#unended.delete(id) && news.lateAnsweredAt === undefined && this.#endedByLook.delete(id))
      return;
    this.#tell(news);
  }

  /** Asks what became of a command. */
  async #lookAfter(news: InvocationNews, signal: AbortSignal): Promise<void> {
    const now = await this.#ask(news, signal);
    const { id, state } = now.invocation;
    if (now.code === null && state === news.invocation.state) return;
    this.#onInvocation(now);
    if (now.code === UNKNOWN) this.#unended.delete(id);
    if (!this.#unended.has(id)) this.#endedByLook.add(id);
  }

  async #ask({ deviceId, time, invocation }: InvocationNews, signal: AbortSignal): Promise<InvocationNews> {
    const type = 'invocation';
    try {
      const found = await this.#client.invocations.get(invocation.id, { signal });
      const { id, command, state, phases, queuedUntil, ended = time, problem } = found;
      const now = { id, deviceId, command, state, phases, ...definedMembers({ queuedUntil }) };
      return { type, deviceId, time: ended, invocation: now, code: problem?.code ?? null };
    } catch (error) {
      if (!(error instanceof ProblemError) || error.code !== UNKNOWN) throw error;
      const news = { type, deviceId, time: new Date().toISOString() } as const;
      // A hub that was started again knows nothing of what was not to last; one that went on kept others instead.
      if (!this.#hasRestarted) return { ...news, invocation, code: UNKNOWN };
      return { ...news, invocation: { ...invocation, state: 'failed' }, code: 'HUB_RESTARTED' };
    }
  }

  #onPresence(deviceId: string, presence: Omit<Presence, 'lastSeen'>): void {
    if (this.#sequences.get(deviceId) === presence.sequence) return;
    this.#sequences.set(deviceId, presence.sequence);
    this.#tell({ type: 'presence', deviceId, presence });
  }

  async #readings(deviceId: string, signal: AbortSignal): Promise<void> {
    const { readings, unavailable } = await this.#client.devices.telemetry(deviceId, { signal });
    for (const reading of readings) this.#onReading(deviceId, reading);
    if (unavailable !== null) this.#onUnavailable({ deviceId, ...unavailable });
  }

  #onReading(deviceId: string, { metric, value, unit, time }: Reading): void {
    const times = this.#times.get(deviceId) ?? new Map<string, string>();
    this.#times.set(deviceId, times);
    if (times.get(metric) === time) return;
    times.set(metric, time);
    this.#reasons.delete(deviceId);
    this.#tell({ type: 'reading', deviceId, reading: { metric, value, unit, time } });
  }

  #onUnavailable({ deviceId, reason, time }: Omit<Told<'unavailable'>, 'type' | 'id'>): void {
    if (this.#reasons.get(deviceId) === reason) return;
    this.#reasons.set(deviceId, reason);
    this.#tell({ type: 'unavailable', deviceId, reason, time });
  }

  #forget(deviceId: string): void {
    if (!this.#sequences.delete(deviceId)) return;
    this.#times.delete(deviceId);
    this.#reasons.delete(deviceId);
    this.#tell({ type: 'forgotten', deviceId });
  }
}

function hasEnded({ invocation: { state } }: InvocationNews): boolean {
  return state !== 'queued' && state !== 'running';
}
