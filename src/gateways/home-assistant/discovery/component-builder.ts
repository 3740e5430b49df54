import { createHash } from 'node:crypto';
import { fail, succeed, type Result } from '../../../base/result.ts';
import type { CommandKind, JsonSchema } from '../../../devices/command.ts';
import type { MetricType, MetricValue } from '../../../devices/reading.ts';
import type { TemplateVariables } from '../template/compile-expression.ts';
import { pythonText } from '../template/python-text.ts';
import type { PythonValue } from '../template/python-value.ts';
import { catchFaults } from '../template/template-fault.ts';
import type { Template } from '../template/template.ts';
import { TemplateWork } from '../template/template-work.ts';
import type { CommandPart, EventPart, MetricPart } from './component-part.ts';
import type { ComponentSettings } from './component-settings.ts';
import type { StateMessage } from './state-message.ts';

/** What Home Assistant takes for "nobody knows". */
const UNKNOWN = 'None';
const MAX_KEY_CHARACTERS = 44;
const USUAL_EXPECTED_MS = 5000;
/** What moves takes its time. */
const EXPECTED_MS: Readonly<Record<string, number>> = { cover: 60_000, valve: 60_000, lock: 15_000 };

/** What a state topic shows. */
type StateWish = {
  /** `brightness` of a light; absent for what the component mainly is. */
  readonly part?: string;
  readonly topic: string;
  readonly template?: string;
  readonly type: MetricType;
  readonly unit?: string | undefined;
  /** It is false again so long after it became true. */
  readonly offDelayMs?: number;
  /** What a text stands for; undefined: it is none of those that are known. Absent: itself, or the number it is. */
  readonly read?: (text: string) => MetricValue | undefined;
};

/** What a command topic takes. */
type CommandWish<T> = {
  readonly part?: string;
  readonly topic: string;
  readonly template?: string;
  readonly kind?: CommandKind;
  readonly input?: JsonSchema;
  /** `value` of the template, and the payload where there is none. */
  readonly value: (input: T) => PythonValue;
  /** Other variables of the template. */
  readonly variables?: (input: T) => TemplateVariables;
  /** The value that the state shows then; absent: the input itself. */
  readonly wants?: (input: T) => MetricValue;
  /** The state tells it in another way, so that nothing shows whether it was done. */
  readonly isUnproven?: boolean;
};

/** Makes the parts of one component out of its settings. */
export class ComponentBuilder {
  readonly settings: ComponentSettings;
  readonly metrics: MetricPart[] = [];
  readonly commands: CommandPart[] = [];
  readonly events: EventPart[] = [];
  readonly #title: string;

  constructor(settings: ComponentSettings) {
    this.settings = settings;
    this.#title = settings.text('name') ?? titleOf(settings.key);
  }

  /** Adds a metric, where its topic is there and its template is understood. */
  state(wish: StateWish): void {
    const topic = this.settings.stateTopic(wish.topic);
    // Bytes, as of an image, are no reading.
    if (topic === undefined || this.settings.text('encoding') === '') return;
    const template = wish.template === undefined ? undefined : this.settings.template(wish.template);
    if (template === 'bad') return;
    this.stateOn([topic], wish, (message) => renderState(template, message));
  }

  /** The same with a text that is got in another way. */
  stateOn(
    topics: readonly string[],
    { part, type, unit, offDelayMs, read = readerOf(type) }: Omit<StateWish, 'topic' | 'template'>,
    getText: (message: StateMessage) => Result<string | undefined, string>,
  ): void {
    this.metrics.push({
      ...this.nameOf(part),
      unit,
      type,
      offDelayMs,
      topics,
      read: (message) => {
        const text = catchFaults(() => getText(message));
        if (!text.ok || text.value === undefined || text.value === '' || text.value === UNKNOWN)
          return text.ok ? succeed(undefined) : text;
        const value = read(text.value);
        return value === undefined ? fail(`${JSON.stringify(text.value)} is no value of it`) : succeed(value);
      },
    });
  }

  /** Adds a command, where its topic is there and its template is understood. After the state that proves it. */
  command<T>(wish: CommandWish<T>): void {
    const topic = this.settings.topic(wish.topic);
    const template = wish.template === undefined ? undefined : this.settings.template(wish.template);
    if (topic === undefined || template === 'bad') return;
    this.commandOn(topic, wish, (input) => {
      const value = wish.value(input);
      if (template === undefined) return succeed(pythonText(value, new TemplateWork()));
      return template.render({ value, ...wish.variables?.(input) });
    });
  }

  /** The same with a payload that is made in another way. */
  commandOn<T>(
    topic: string,
    wish: Pick<CommandWish<T>, 'part' | 'kind' | 'input' | 'wants' | 'isUnproven'>,
    makePayload: (input: T) => Result<string, string>,
  ): void {
    const named = this.nameOf(wish.part);
    const qos = this.settings.number('qos', 0);
    const isProven =
      wish.isUnproven !== true &&
      !this.settings.isTrue('optimistic') &&
      this.metrics.some((metric) => metric.name === named.name);
    const wants = wish.wants ?? ((input: T) => input as MetricValue);
    this.commands.push({
      ...named,
      kind: wish.kind ?? 'write',
      input: wish.input,
      topic,
      qos: qos === 1 || qos === 2 ? qos : 0,
      retain: this.settings.isTrue('retain'),
      expectedMs: EXPECTED_MS[this.settings.platform] ?? USUAL_EXPECTED_MS,
      makePayload: (input) => catchFaults(() => makePayload(input as T)),
      proof: isProven ? { metric: named.name, wants: (input) => wants(input as T) } : undefined,
    });
  }

  event(event: Omit<EventPart, 'name' | 'title'>): void {
    this.events.push({ ...this.nameOf(undefined), ...event });
  }

  nameOf(part: string | undefined): { readonly name: string; readonly title: string } {
    const key = nameOfKey(this.settings.key);
    if (part === undefined) return { name: key, title: this.#title };
    return { name: `${key}.${part}`, title: `${this.#title}: ${titleOf(part).toLowerCase()}` };
  }
}

/** The text that a state message holds for a component. */
export function renderState(template: Template | undefined, message: StateMessage): Result<string, string> {
  return template === undefined ? succeed(message.text) : template.render(message.variables, message.work);
}

/** True for one text and false for another. */
export function readSwitch(on: string, off: string): (text: string) => boolean | undefined {
  return (text) => (text === on ? true : text === off ? false : undefined);
}

function readerOf(type: MetricType): (text: string) => MetricValue | undefined {
  return type === 'number' || type === 'integer' ? readNumber : (text) => text;
}

/** A number as devices write it; undefined for any other text. */
export function readNumber(text: string): number | undefined {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** What a name of a command may hold, made of any key; with a hash where something of it is lost at its end. */
function nameOfKey(key: string): string {
  const plain = key.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[._-]+/, '');
  if (plain !== '' && plain.length <= MAX_KEY_CHARACTERS) return plain;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 8);
  return `${plain.slice(0, MAX_KEY_CHARACTERS - 9)}-${hash}`.replace(/^-/, '');
}

/** `outside_temperature` as people write it. */
function titleOf(key: string): string {
  const words = key.replaceAll(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
