import { InvalidArgumentError, type Command } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { HubUnreachableError, ProblemError } from '../../client/index.ts';
import { Poller } from '../../terminal/ui/poller.ts';
import { tellFailure } from '../devices/failures.ts';
import { hubQuestion, openHub, printLine, refuseEmptyNames, type HubFlags } from '../devices/hub-flags.ts';
import { Observer, type Observation } from '../devices/observer.ts';
import { stopSignal } from '../stop-signal.ts';

type WatchFlags = HubFlags & { readonly interval: number };

const MAX_INTERVAL_S = 86_400;

const HELP = `
The hub is asked again and again, as its API has no events yet: of readings that come faster than --interval the latest
is told, and invocations are not seen. The first lines tell what there is. It goes on while the hub is away.

Examples:
  recado watch                                all devices
  recado watch DE1 DE2 --json                 a line of JSON for each change
  recado watch thermometer-1 --interval 0.5`;

/** `recado watch [device...]`: presence and readings, as they change. */
export function watchCommand(): Command {
  return hubQuestion('watch', 'print what changes at the devices of a hub', HELP)
    .argument('[device...]', 'only these')
    .option('--interval <seconds>', 'ask the hub so often', readInterval, 1)
    .action(watch);
}

async function watch(devices: readonly string[], flags: WatchFlags, command: Command): Promise<void> {
  refuseEmptyNames(devices, command);
  const print = flags.json === true ? printJson : printPlain;
  const observer = new Observer(openHub(flags, command), new Set(devices), print);
  const ended = Promise.withResolvers<void>();
  let isKnown = false;
  let isAway = false;
  const run = async (signal: AbortSignal): Promise<void> => {
    try {
      await observer.look(signal);
      isKnown = true;
      isAway = false;
    } catch (error) {
      if (signal.aborted) return;
      // A hub that was there comes back; what it refuses, it refuses again.
      if (!isKnown || !isAbsence(error)) return ended.reject(error);
      if (!isAway) process.stderr.write('recado: the hub is away; asking again until it is back\n');
      isAway = true;
    }
  };
  const poller = new Poller({ periodMs: flags.interval * 1000, clock: systemClock, run });
  void stopSignal().then(() => ended.resolve());
  poller.start();
  try {
    await ended.promise;
  } catch (error) {
    tellFailure(error, flags);
  } finally {
    poller.stop();
  }
}

function isAbsence(error: unknown): boolean {
  return (
    error instanceof HubUnreachableError || (error instanceof ProblemError && error.code === 'HUB_STOPPING')
  );
}

function printJson(observation: Observation): void {
  if (observation.type === 'forgotten') return printLine(JSON.stringify(observation));
  const { type, deviceId } = observation;
  const rest = type === 'presence' ? observation.presence : observation.reading;
  printLine(JSON.stringify({ type, deviceId, ...rest }));
}

function printPlain(observation: Observation): void {
  const { type, deviceId } = observation;
  if (type === 'forgotten') return printLine(`${new Date().toISOString()} ${deviceId} forgotten`);
  if (type === 'presence') {
    const { status, reason, since } = observation.presence;
    return printLine(`${since} ${deviceId} ${status} (${reason})`);
  }
  const { metric, value, unit, time } = observation.reading;
  printLine(`${time} ${deviceId} ${metric} ${value}${unit === null ? '' : ` ${unit}`}`);
}

function readInterval(text: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0.1 && seconds <= MAX_INTERVAL_S) return seconds;
  throw new InvalidArgumentError(`It must be a number of seconds from 0.1 to ${MAX_INTERVAL_S}.`);
}
