import { readSwitch, type ComponentBuilder } from '../discovery/component-builder.ts';
import { choiceOf, rangeOf } from './plain-platforms.ts';

/** A part whose topics are named after it: `fan_mode_state_topic`, `fan_mode_command_topic`. */
type NamedPart = {
  /** The name of the part, and the begin of its keys unless `keys` says so. */
  readonly part: string;
  readonly keys?: string;
};

/** One of some texts: a mode, a preset, an effect. */
export function buildMode(
  builder: ComponentBuilder,
  { part, keys = part, options }: NamedPart & { readonly options: readonly string[] },
): void {
  builder.state({
    part,
    topic: `${keys}_state_topic`,
    template: stateTemplateOf(builder, keys),
    type: 'string',
  });
  builder.command<string>({
    part,
    topic: `${keys}_command_topic`,
    template: `${keys}_command_template`,
    input: choiceOf(options),
    value: (option) => option,
  });
}

/** A number that can be set. */
export function buildSetting(
  builder: ComponentBuilder,
  {
    part,
    keys = part,
    unit,
    range,
  }: NamedPart & { readonly unit?: string | undefined; readonly range: ReturnType<typeof rangeOf> },
): void {
  builder.state({
    part,
    topic: `${keys}_state_topic`,
    template: stateTemplateOf(builder, keys),
    type: 'number',
    unit,
  });
  builder.command<number>({
    part,
    topic: `${keys}_command_topic`,
    template: `${keys}_command_template`,
    input: range,
    value: (number) => number,
  });
}

/** Something that is on or off beside the component itself. */
export function buildToggle(
  builder: ComponentBuilder,
  { part, keys = part, on, off }: NamedPart & { readonly on: string; readonly off: string },
): void {
  const { settings } = builder;
  const [yes, no] = [settings.textOr(`payload_${keys}_on`, on), settings.textOr(`payload_${keys}_off`, off)];
  builder.state({
    part,
    topic: `${keys}_state_topic`,
    template: stateTemplateOf(builder, keys),
    type: 'boolean',
    read: readSwitch(yes, no),
  });
  builder.command<boolean>({
    part,
    topic: `${keys}_command_topic`,
    template: `${keys}_command_template`,
    input: { type: 'boolean' },
    value: (input) => (input ? yes : no),
  });
}

/** Some call it `…_state_template`, others `…_value_template`. */
export function stateTemplateOf({ settings }: ComponentBuilder, keys: string): string {
  const template = `${keys}_state_template`;
  return settings.text(template) === undefined ? `${keys}_value_template` : template;
}
