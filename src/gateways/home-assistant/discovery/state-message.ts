import { scalarText } from '../template/python-text.ts';
import { parsePayloadJson } from '../template/payload-json.ts';
import type { TemplateVariables } from '../template/compile-expression.ts';
import { isJsonMembers, isList, type PythonValue } from '../template/python-value.ts';
import { TemplateWork } from '../template/template-work.ts';

/** What came on a state topic. Its JSON is read once for all components that listen there. */
export class StateMessage {
  readonly text: string;
  readonly isRetained: boolean;
  /** What the templates of all who hear it may do. */
  readonly work = new TemplateWork();
  #variables: TemplateVariables | undefined;

  constructor(text: string, isRetained: boolean) {
    this.text = text;
    this.isRetained = isRetained;
  }

  /** Undefined when it is no JSON. */
  get json(): PythonValue {
    return this.variables['value_json'];
  }

  /** The text of a member, or of one in it; undefined where the message does not tell it. */
  textAt(path: readonly string[]): string | undefined {
    let value = this.json;
    for (const name of path)
      if (isList(value)) value = value[Number(name)];
      else value = isJsonMembers(value) && Object.hasOwn(value, name) ? value[name] : undefined;
    return scalarText(value);
  }

  /** `value`, and `value_json` where it is JSON. */
  get variables(): TemplateVariables {
    if (this.#variables !== undefined) return this.#variables;
    const json = parsePayloadJson(this.text);
    this.#variables = json === undefined ? { value: this.text } : { value: this.text, value_json: json };
    return this.#variables;
  }
}
