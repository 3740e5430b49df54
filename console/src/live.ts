import { computed, effect, signal } from '@preact/signals';
import {
  ClientError,
  ProblemError,
  type Device,
  type HubEvent,
  type Reading,
} from '../../src/client/index.ts';
import { hub, loseSession, session } from './session.ts';

/** How often a page is drawn anew by news, at most. */
const DRAW_MS = 250;
const PAGE_DEVICES = 1000;
const RETRY_MS = 2000;

export type Link =
  | { readonly kind: 'opening' }
  | { readonly kind: 'live' }
  | { readonly kind: 'away'; readonly sinceMs: number };

export const link = signal<Link>({ kind: 'opening' });
/** Of the last time when news were lost; it is told until somebody has seen it. */
export const gap = signal<{ readonly fromMs: number; readonly toMs: number } | undefined>(undefined);
/** Seconds pass: for ages. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1000);

/** News of one device that a page may want as they are. */
export type Follower = (event: HubEvent) => void;
const followers = new Set<Follower>();

const known = new Map<string, Device>();
const drawn = signal<ReadonlyMap<string, Device>>(known);

/** All devices that may be seen, in the order of their ids. */
export const devices = computed<readonly Device[]>(() => {
  return [...drawn.value.values()].sort((one, other) => (one.deviceId < other.deviceId ? -1 : 1));
});

/** Metrics of which the devices have their latest reading, with commas between: what somebody filters by. */
export const watched = signal('');
/** What it was when the list was asked for that is there; undefined before there is one. */
const loadedWith = signal<string | undefined>(undefined);
export const isLoaded = computed(() => loadedWith.value !== undefined);

/** Calls for each event, and says how to end it. */
export function follow(follower: Follower): () => void {
  followers.add(follower);
  return () => followers.delete(follower);
}

/** What the hub answered to who changed it. */
export function keepDevice(device: Device): void {
  known.set(device.deviceId, device);
  drawSoon();
}

function draw(): void {
  drawn.value = new Map(known);
}

let timer: ReturnType<typeof setTimeout> | undefined;
function drawSoon(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    draw();
  }, DRAW_MS);
}

async function load(signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  const asked = watched.peek();
  const metrics = asked || undefined;
  for await (const device of hub().devices.all({ limit: PAGE_DEVICES, metrics, signal })) {
    seen.add(device.deviceId);
    // What was told as an event meanwhile may be newer than the list.
    const before = known.get(device.deviceId)?.readings ?? [];
    known.set(
      device.deviceId,
      before.reduce((merged, reading) => withReading(merged, reading), device),
    );
    drawSoon();
  }
  for (const id of known.keys()) if (!seen.has(id)) known.delete(id);
  loadedWith.value = asked;
  draw();
}

function applyEvent(event: HubEvent, reload: (id?: string) => void): void {
  switch (event.type) {
    case 'presence': {
      const device = known.get(event.deviceId);
      if (device === undefined) return reload(event.deviceId);
      const presence = { ...event.presence, lastSeen: event.time };
      known.set(event.deviceId, { ...device, presence });
      return drawSoon();
    }
    case 'description': {
      const device = known.get(event.deviceId);
      if (device === undefined) return reload(event.deviceId);
      const { title, model, commandCount } = event;
      known.set(event.deviceId, { ...device, title, model, commandCount });
      return drawSoon();
    }
    case 'reading': {
      const device = known.get(event.deviceId);
      if (device === undefined) return undefined;
      const presence = { ...device.presence, lastSeen: event.time };
      known.set(event.deviceId, withReading({ ...device, presence }, event));
      return drawSoon();
    }
    case 'forgotten':
      known.delete(event.deviceId);
      return drawSoon();
    default:
      return undefined;
  }
}

/** With a reading that is the latest of its metric, where that is watched. */
function withReading(device: Device, { metric, value, unit, time }: Reading): Device {
  const { readings = [] } = device;
  const isNewer = readings.every((each) => each.metric !== metric || each.time <= time);
  if (!isNewer || !watched.peek().split(',').includes(metric)) return device;
  const others = readings.filter((each) => each.metric !== metric);
  return { ...device, readings: [...others, { metric, value, unit, time }] };
}

/** Follows the hub as long as somebody is signed in; each end of that ends it. */
async function run(signal: AbortSignal): Promise<void> {
  const lose = (error: unknown): void => {
    if (!signal.aborted && isRefusal(error)) loseSession();
  };
  const reload = (id?: string): void => {
    const asked = id === undefined ? load(signal) : loadOne(id, signal);
    asked.catch(lose);
  };
  for await (const event of hub().events({ signal, lastEventId, maxRetryMs: RETRY_MS })) {
    if ('id' in event && event.id !== '') lastEventId = event.id;
    if (event.type === 'connected') {
      link.value = { kind: 'live' };
      // What was said before the first list is in the list.
      if (!event.isResumed || !isLoaded.value) reload();
    } else if (event.type === 'disconnected') {
      if (link.value.kind !== 'away') link.value = { kind: 'away', sinceMs: Date.now() };
      awaySinceMs = link.value.sinceMs;
    } else if (event.type === 'reset' || event.type === 'missed') {
      gap.value = { fromMs: awaySinceMs ?? Date.now(), toMs: Date.now() };
      reload();
    } else applyEvent(event, reload);
    for (const follower of followers) follower(event);
  }
}

let awaySinceMs: number | undefined;
/** From where on a page that is looked at again goes on. */
let lastEventId: string | undefined;

async function loadOne(deviceId: string, signal: AbortSignal): Promise<void> {
  known.set(deviceId, await hub().devices.get(deviceId, { signal }));
  drawSoon();
}

function isRefusal(error: unknown): boolean {
  return error instanceof ProblemError && (error.status === 401 || error.status === 403);
}

/** Begins anew where the stream cannot be had yet, as while a hub starts. */
async function runUntil(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await run(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isRefusal(error)) return loseSession();
      if (link.value.kind !== 'away') link.value = { kind: 'away', sinceMs: Date.now() };
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Whether there is somebody to follow for; not who, which may be asked again. */
const principal = computed(() => (session.value.kind === 'in' ? session.value.who.principal : undefined));

/** A browser has six connections to a hub for all of its tabs: those that nobody looks at need none. */
const isSeen = signal(!document.hidden);
document.addEventListener('visibilitychange', () => (isSeen.value = !document.hidden));

effect(() => {
  if (principal.value === undefined) return undefined;
  return () => {
    known.clear();
    lastEventId = undefined;
    loadedWith.value = undefined;
    link.value = { kind: 'opening' };
  };
});

effect(() => {
  if (principal.value === undefined || !isSeen.value) return undefined;
  const ended = new AbortController();
  void runUntil(ended.signal);
  return () => ended.abort();
});

// Whoever filters by another metric needs its values once; from then on they come as events.
effect(() => {
  if (!isLoaded.value || link.value.kind !== 'live' || watched.value === loadedWith.value) return undefined;
  const ended = new AbortController();
  load(ended.signal).catch((error: unknown) => {
    if (!ended.signal.aborted && !(error instanceof ClientError)) throw error;
  });
  return () => ended.abort();
});
