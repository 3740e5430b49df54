import type { Result } from '../../../base/result.ts';
import { readTemplate, type Template, type TemplateMistake } from './template.ts';

/** Devices of one kind have the same templates: there are few of them. */
const MAX_KEPT_TEMPLATES = 4096;

/** Templates by their text, so that each is read once. */
export class TemplateCache {
  readonly #templates = new Map<string, Result<Template, TemplateMistake>>();

  get(text: string): Result<Template, TemplateMistake> {
    const known = this.#templates.get(text);
    if (known !== undefined) return known;
    const read = readTemplate(text);
    if (this.#templates.size >= MAX_KEPT_TEMPLATES) this.#templates.clear();
    this.#templates.set(text, read);
    return read;
  }
}
