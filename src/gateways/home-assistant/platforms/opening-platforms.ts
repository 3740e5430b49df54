import type { ComponentBuilder } from '../discovery/component-builder.ts';
import { choiceOf } from './plain-platforms.ts';

/** What a state is called, and the setting that says how the device writes it. */
type Words = readonly (readonly [word: string, setting: string, otherwise: string])[];

const OPENING_STATES: Words = [
  ['open', 'state_open', 'open'],
  ['opening', 'state_opening', 'opening'],
  ['closed', 'state_closed', 'closed'],
  ['closing', 'state_closing', 'closing'],
  ['stopped', 'state_stopped', 'stopped'],
];
const OPENING_COMMANDS: Words = [
  ['open', 'payload_open', 'OPEN'],
  ['close', 'payload_close', 'CLOSE'],
  ['stop', 'payload_stop', 'STOP'],
];
const LOCK_STATES: Words = [
  ['locked', 'state_locked', 'LOCKED'],
  ['locking', 'state_locking', 'LOCKING'],
  ['unlocked', 'state_unlocked', 'UNLOCKED'],
  ['unlocking', 'state_unlocking', 'UNLOCKING'],
  ['jammed', 'state_jammed', 'JAMMED'],
  ['open', 'state_open', 'OPEN'],
  ['opening', 'state_opening', 'OPENING'],
];
const LOCK_COMMANDS: Words = [
  ['lock', 'payload_lock', 'LOCK'],
  ['unlock', 'payload_unlock', 'UNLOCK'],
];

export function buildCover(builder: ComponentBuilder): void {
  const { settings } = builder;
  buildWords(builder, OPENING_STATES);
  buildOrders(builder, OPENING_COMMANDS, { open: 'open', close: 'closed', stop: 'stopped' });
  buildPosition(builder, { part: 'position', state: 'position', command: 'set_position' }, [
    settings.number('position_closed', 0),
    settings.number('position_open', 100),
  ]);
  buildPosition(builder, { part: 'tilt', state: 'tilt_status', command: 'tilt_command' }, [
    settings.number('tilt_min', 0),
    settings.number('tilt_max', 100),
  ]);
}

/** One that reports its position says nothing else, and takes nothing else. */
export function buildValve(builder: ComponentBuilder): void {
  const { settings } = builder;
  if (!settings.isTrue('reports_position')) {
    buildWords(builder, OPENING_STATES);
    buildOrders(builder, OPENING_COMMANDS, { open: 'open', close: 'closed', stop: 'stopped' });
    return;
  }
  const range = [settings.number('position_closed', 0), settings.number('position_open', 100)] as const;
  const scale = percentageOf(range);
  const type = 'number';
  builder.state({
    part: 'position',
    topic: 'state_topic',
    template: 'value_template',
    type,
    unit: '%',
    read: scale.read,
  });
  builder.command<number>({
    part: 'position',
    topic: 'command_topic',
    template: 'command_template',
    input: { type: 'integer', minimum: 0, maximum: 100 },
    value: scale.write,
  });
}

export function buildLock(builder: ComponentBuilder): void {
  const opens = builder.settings.text('payload_open') !== undefined;
  buildWords(builder, LOCK_STATES);
  const commands: Words = opens ? [...LOCK_COMMANDS, ['open', 'payload_open', 'OPEN']] : LOCK_COMMANDS;
  buildOrders(builder, commands, { lock: 'locked', unlock: 'unlocked', open: 'open' });
}

/** A state that is one of some words. */
function buildWords(builder: ComponentBuilder, states: Words): void {
  const { settings } = builder;
  const words = new Map(
    states.map(([word, key, otherwise]) => [settings.textOr(key, otherwise), word] as const),
  );
  builder.state({
    topic: 'state_topic',
    template: 'value_template',
    type: 'string',
    read: (text) => words.get(text),
  });
}

/** One command that takes one of some words. A setting that is null takes its word away. */
function buildOrders(
  builder: ComponentBuilder,
  commands: Words,
  shown: Readonly<Record<string, string>>,
): void {
  const { settings } = builder;
  const payloads = new Map(
    commands
      .filter(([, key]) => !settings.isNull(key))
      .map(([word, key, otherwise]) => [word, settings.textOr(key, otherwise)] as const),
  );
  builder.command<string>({
    topic: 'command_topic',
    template: 'command_template',
    input: choiceOf([...payloads.keys()]),
    value: (word) => payloads.get(word),
    variables: () => ({ code: null }),
    wants: (word) => shown[word] ?? word,
  });
}

/** In percent, whatever range the device has. */
function buildPosition(
  builder: ComponentBuilder,
  { part, state, command }: { readonly part: string; readonly state: string; readonly command: string },
  range: readonly [closed: number, open: number],
): void {
  const { settings } = builder;
  const { read, write } = percentageOf(range);
  const template = `${state}_template`;
  builder.state({ part, topic: `${state}_topic`, template, type: 'number', unit: '%', read });
  builder.command<number>({
    part,
    topic: `${command}_topic`,
    template: `${command}_template`,
    input: { type: 'integer', minimum: 0, maximum: 100 },
    value: write,
    variables: (percentage) => ({
      [part === 'tilt' ? 'tilt_position' : 'position']: percentage,
      position_open: settings.number('position_open', 100),
      position_closed: settings.number('position_closed', 0),
    }),
  });
}

function percentageOf([closed, open]: readonly [number, number]): {
  readonly read: (text: string) => number | undefined;
  readonly write: (percentage: number) => number;
} {
  const length = open - closed || 1;
  return {
    read: (text) => {
      const percentage = Math.round(((Number(text) - closed) / length) * 100);
      return text.trim() === '' || !Number.isFinite(percentage)
        ? undefined
        : Math.min(100, Math.max(0, percentage));
    },
    write: (percentage) => Math.round(closed + (length * percentage) / 100),
  };
}
