import { InvalidArgumentError, type Command } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { HubUnreachableError, ProblemError, type Client } from '../../client/index.ts';
import { Poller } from '../../terminal/ui/poller.ts';
import { tellFailure } from '../devices/failures.ts';
import { hubQuestion, openHub, printLine, refuseEmptyNames, type HubFlags } from '../devices/hub-flags.ts';
import { Observer, type Observation } from '../devices/observer.ts';
import { stopSignal } from '../stop-signal.ts';
import { tell } from '../tell.ts';

type WatchFlags = HubFlags & { readonly interval: number };

const MAX_INTERVAL_S = 86_400;

const HELP = `
Presence, readings, commands and events, as the hub tells them. The first lines tell what there is. It goes on while the
hub is away. A hub that is older and has no events is asked again and again: of readings that come faster than
--interval the latest is told then, and neither commands nor events are seen.

Examples:
  recado watch                                all devices
  recado watch DE1 DE2 --json                 a line of JSON for each change
  recado watch thermometer-1 --interval 0.5   an older hub, twice a second`;

/** `recado watch [device...]`: what happens at devices. */
export function watchCommand(): Command {
  return hubQuestion('watch', 'print what happens at the devices of a hub', HELP)
    .argument('[device...]', 'only these')
    .option('--interval <seconds>', 'ask a hub without events so often', readInterval, 1)
    .action(watch);
}

async function watch(devices: readonly string[], flags: WatchFlags, command: Command): Promise<void> {
  refuseEmptyNames(devices, command);
  const client = openHub(flags, command);
  const observer = new Observer(client, new Set(devices), flags.json === true ? printJson : printPlain);
  const stop = new AbortController();
  void stopSignal().then(() => stop.abort());
  const { signal } = stop;
  try {
    const hasEvents = await follow(client, observer, { devices, signal });
    if (hasEvents) return;
    tell(`this hub has no events; asking it every ${flags.interval} s`);
    await poll(observer, flags.interval * 1000, signal);
  } catch (error) {
    if (!signal.aborted) tellFailure(error, flags);
  }
}

/** Follows the events of a hub, until it is stopped; false at once where the hub has none. */
async function follow(
  client: Client,
  observer: Observer,
  { devices, signal }: { devices: readonly string[]; signal: AbortSignal },
): Promise<boolean> {
  let hasLooked = false;
  let isAway = false;
  try {
    for await (const event of client.events({ devices, signal })) {
      if (event.type === 'disconnected') {
        if (!isAway) tellAway();
        isAway = true;
        continue;
      }
      if (event.type === 'missed') tell(`too slow: ${event.count} events are lost`);
      if (isAway) tellBack();
      isAway = false;
      observer.take(event);
      // What happens while it looks comes afterwards.
      if (observer.isStale) hasLooked = (await look(observer, { signal, wasThere: true })) || hasLooked;
    }
  } catch (error) {
    if (!hasLooked && error instanceof ProblemError && error.code === 'ROUTE_UNKNOWN') return false;
    throw error;
  }
  return true;
}

/** False when the hub went away meanwhile: one that was there comes back. What it refuses, it refuses again. */
async function look(
  observer: Observer,
  { signal, wasThere }: { signal: AbortSignal; wasThere: boolean },
): Promise<boolean> {
  try {
    await observer.look(signal);
    return true;
  } catch (error) {
    if (wasThere && !signal.aborted && isAbsence(error)) return false;
    throw error;
  }
}

/** Asks an older hub again and again, until it is stopped. */
async function poll(observer: Observer, periodMs: number, stop: AbortSignal): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let hasLooked = false;
  let isAway = false;
  const run = async (signal: AbortSignal): Promise<void> => {
    try {
      const wasAway = isAway;
      isAway = !(await look(observer, { signal, wasThere: hasLooked }));
      if (isAway && !wasAway) tellAway();
      if (wasAway && !isAway) tellBack();
      hasLooked = true;
    } catch (error) {
      if (!signal.aborted) ended.reject(error);
    }
  };
  const poller = new Poller({ periodMs, clock: systemClock, run });
  stop.addEventListener('abort', () => ended.resolve(), { once: true });
  poller.start();
  try {
    await ended.promise;
  } finally {
    poller.stop();
  }
}

function tellAway(): void {
  tell('the hub is away; asking again until it is back');
}

function tellBack(): void {
  tell('the hub is back');
}

function isAbsence(error: unknown): boolean {
  return (
    error instanceof HubUnreachableError || (error instanceof ProblemError && error.code === 'HUB_STOPPING')
  );
}

function printJson(observation: Observation): void {
  const { type } = observation;
  if (type === 'presence' || type === 'reading') {
    const { deviceId } = observation;
    const rest = type === 'presence' ? observation.presence : observation.reading;
    return printLine(JSON.stringify({ type, deviceId, ...rest }));
  }
  printLine(JSON.stringify(observation));
}

function printPlain(observation: Observation): void {
  const { deviceId } = observation;
  switch (observation.type) {
    case 'forgotten':
      return printLine(`${new Date().toISOString()} ${deviceId} forgotten`);
    case 'presence': {
      const { status, reason, since } = observation.presence;
      return printLine(`${since} ${deviceId} ${status} (${reason})`);
    }
    case 'reading': {
      const { metric, value, unit, time } = observation.reading;
      return printLine(`${time} ${deviceId} ${metric} ${value}${unit === null ? '' : ` ${unit}`}`);
    }
    case 'unavailable':
      return printLine(`${observation.time} ${deviceId} reports nothing: ${observation.reason}`);
    case 'description':
      return printLine(`${observation.time} ${deviceId} describes itself: ${observation.title ?? deviceId}`);
    case 'invocation': {
      const { invocation, code, time } = observation;
      // Of one that is unknown now, it is only known how it stood.
      const state = code === 'INVOCATION_UNKNOWN' ? 'ended, and how is not kept' : invocation.state;
      return printLine(
        `${time} ${deviceId} ${invocation.command}: ${state}${code === null ? '' : ` (${code})`}`,
      );
    }
    case 'event': {
      const data = observation.data === null ? '' : ` ${JSON.stringify(observation.data)}`;
      return printLine(`${observation.time} ${deviceId} event ${observation.name}${data}`);
    }
  }
}

function readInterval(text: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0.1 && seconds <= MAX_INTERVAL_S) return seconds;
  throw new InvalidArgumentError(`It must be a number of seconds from 0.1 to ${MAX_INTERVAL_S}.`);
}
