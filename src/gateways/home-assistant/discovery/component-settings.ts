import type { NotUnderstood } from '../../../devices/description.ts';
import type { Template } from '../template/template.ts';
import type { TemplateCache } from '../template/template-cache.ts';
import { scalarText } from '../template/python-text.ts';
import { isJsonMembers, isList, numberOf, type JsonMembers } from '../template/python-value.ts';

const MAX_TOPIC_CHARACTERS = 1024;

/** The keys of one component, as the kinds of values that they should be; what is of another kind is not there. */
export class ComponentSettings {
  readonly key: string;
  readonly platform: string;
  readonly notUnderstood: NotUnderstood[] = [];
  readonly #members: JsonMembers;
  readonly #templates: TemplateCache;

  constructor(
    { key, platform, members }: { key: string; platform: string; members: JsonMembers },
    templates: TemplateCache,
  ) {
    this.key = key;
    this.platform = platform;
    this.#members = members;
    this.#templates = templates;
  }

  /** Texts, and numbers and true and false as Python writes them. */
  text(key: string): string | undefined {
    return scalarText(this.#members[key]);
  }

  textOr(key: string, otherwise: string): string {
    return this.text(key) ?? otherwise;
  }

  /** Whether the config says that there is nothing here: `null`. */
  isNull(key: string): boolean {
    return this.#members[key] === null;
  }

  number(key: string, otherwise: number): number {
    const value = this.#members[key];
    const number =
      numberOf(value) ?? (typeof value === 'string' && value.trim() !== '' ? Number(value) : undefined);
    return number !== undefined && Number.isFinite(number) ? number : otherwise;
  }

  isTrue(key: string): boolean {
    const value = this.#members[key];
    return value === true || value === 'true' || value === 'True';
  }

  list(key: string): readonly string[] {
    const value = this.#members[key];
    return isList(value) ? value.map((item) => scalarText(item)).filter((item) => item !== undefined) : [];
  }

  /** One that may be a list of objects, or one of them. */
  objects(key: string): readonly JsonMembers[] {
    const value = this.#members[key];
    return (isList(value) ? value : [value]).filter((item) => isJsonMembers(item));
  }

  /** A topic that can be published to. */
  topic(key: string): string | undefined {
    const topic = this.stateTopic(key);
    return topic?.includes('+') === true ? undefined : topic;
  }

  /** A topic that can be listened on. */
  stateTopic(key: string): string | undefined {
    const topic = this.#members[key];
    return typeof topic === 'string' && isStateTopic(topic) ? topic : undefined;
  }

  /** Undefined where there is none; `bad` where it is not understood, which is noted. */
  template(key: string): Template | 'bad' | undefined {
    const text = this.#members[key];
    return typeof text === 'string' && text.trim() !== '' ? this.readTemplate(key, text) : undefined;
  }

  readTemplate(key: string, text: string): Template | 'bad' {
    const read = this.#templates.get(text);
    if (read.ok) return read.value;
    const { message, at } = read.failure;
    if (!this.notUnderstood.some((each) => each.key === key && each.template === text))
      this.notUnderstood.push({ component: this.platform, key, template: text, why: message, at });
    return 'bad';
  }
}

/** What can be listened on: a `+` may stand for a level, as where any gateway may have heard a device, but not for all. */
export function isStateTopic(topic: string): boolean {
  const levels = topic.split('/');
  const isPlain = levels.every((level) => level === '+' || !/[+#\0]/.test(level));
  return (
    isPlain && topic.length <= MAX_TOPIC_CHARACTERS && levels.some((level) => level !== '+' && level !== '')
  );
}
