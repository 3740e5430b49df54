import type { Command, Invocation } from '../../client/index.ts';
import type { Say } from '../messages.ts';
import type { Tone } from '../ui/rows.ts';
import { sayShortDuration, sayTimestamp } from './time-words.ts';

/** What a command is called: as the device describes it, else by its name. */
export function titleOfCommand({ command }: Invocation, commands: readonly Command[]): string {
  return commands.find(({ name }) => name === command)?.title ?? command;
}

/** How a command stands, or how it ended: `waits for the device until 10:40:00`, `answered in 12 ms`. */
export function sayState({ state, phases, queuedUntil }: Invocation, say: Say, now: number): string {
  if (state === 'queued' && queuedUntil !== undefined)
    return say('invocation.queued.until', { time: sayTimestamp(queuedUntil, now) });
  if (state !== 'completed') return say(`invocation.${state}`);
  const tookMs = Date.parse(phases.answered ?? phases.accepted) - Date.parse(phases.accepted);
  return say('invocation.completed', { time: sayShortDuration(say, tookMs) });
}

/** Whether it can still be cancelled. */
export function isUnended({ state }: Invocation): boolean {
  return state === 'queued' || state === 'running';
}

export function toneOfState({ state }: Invocation): Tone {
  const tones: Partial<Record<Invocation['state'], Tone>> = {
    completed: 'good',
    failed: 'bad',
    queued: 'warn',
  };
  return tones[state] ?? 'plain';
}
