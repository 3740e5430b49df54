import { isJsonObject, pointerStep } from '../base/json.ts';
import type { JsonSchema } from '../api/schemas.ts';

/** What every field of a form has. */
type FieldBase = {
  /** Where its value stands in the input (a JSON pointer); empty when it is the whole input. */
  readonly pointer: string;
  /** The name of the property; empty when the field is the whole input. */
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  readonly isRequired: boolean;
  /** What stands in the field at the start, as somebody would have typed it; empty when nothing does. */
  readonly initialDraft: string;
};

export type TextField = FieldBase & {
  readonly kind: 'text';
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly format: string | undefined;
};

export type NumberField = FieldBase & {
  readonly kind: 'number';
  readonly isInteger: boolean;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMinimum: number | undefined;
  readonly exclusiveMaximum: number | undefined;
  readonly multipleOf: number | undefined;
};

export type BooleanField = FieldBase & { readonly kind: 'boolean' };

/** One of some values; a draft is the label of one. */
export type ChoiceField = FieldBase & {
  readonly kind: 'choice';
  readonly choices: readonly { readonly label: string; readonly value: unknown }[];
};

/** Some values of one kind. */
export type ListField = FieldBase & {
  readonly kind: 'list';
  readonly item: ScalarField;
  readonly minItems: number | undefined;
  readonly maxItems: number | undefined;
};

/** Any JSON value, typed as JSON: for what no other field can hold. */
export type JsonField = FieldBase & { readonly kind: 'json' };

export type ScalarField = TextField | NumberField | BooleanField | ChoiceField;
export type FormField = ScalarField | ListField | JsonField;

/** The input of a command as fields to fill in. */
export type InputForm = {
  /** `object`: one field a property; `single`: one field that is the whole input. */
  readonly shape: 'object' | 'single';
  readonly fields: readonly FormField[];
};

type Place = { readonly pointer: string; readonly name: string; readonly isRequired: boolean };

/** Keywords that need more than one field to say: what has them is typed as JSON. */
const BEYOND_FIELDS = [
  '$ref',
  '$dynamicRef',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'contains',
  'prefixItems',
];
const BEYOND_OBJECT_FIELDS = [
  'patternProperties',
  'dependentSchemas',
  'dependentRequired',
  'propertyNames',
  'minProperties',
];

/**
 * Makes a form of a command's input schema.
 *
 * A property becomes a field when it is a string, number, integer or boolean, an `enum` or `const`, or an array of
 * these; so does a schema that is one of these itself. `title`, `description`, `default`, `minimum`, `maximum`,
 * `exclusiveMinimum`, `exclusiveMaximum`, `multipleOf`, `minLength`, `maxLength`, `format`, `minItems`, `maxItems` and
 * `required` count. Everything else becomes a field for JSON text. What the form does not check, the hub does.
 *
 * @param schema - a JSON Schema; null for a command without input
 * @returns the form; undefined when there is nothing to fill in and no input to send
 */
export function readInputForm(schema: JsonSchema | null): InputForm | undefined {
  if (schema === null) return undefined;
  const properties = schema['properties'];
  if (isObjectOfFields(schema) && isJsonObject(properties)) {
    const required = Array.isArray(schema['required']) ? schema['required'] : [];
    const fields = Object.entries(properties).map(([name, property]) =>
      readField(property, { pointer: pointerStep(name), name, isRequired: required.includes(name) }),
    );
    return { shape: 'object', fields };
  }
  return { shape: 'single', fields: [readField(schema, { pointer: '', name: '', isRequired: true })] };
}

function isObjectOfFields(schema: JsonSchema): boolean {
  const { type } = schema as { type?: unknown };
  if (type !== undefined && type !== 'object') return false;
  if (isBeyondFields(schema) || BEYOND_OBJECT_FIELDS.some((keyword) => keyword in schema)) return false;
  const properties = schema['properties'];
  if (!isJsonObject(properties)) return false;
  // Without properties, and with others allowed, only JSON can say what is meant.
  return Object.keys(properties).length > 0 || schema['additionalProperties'] === false;
}

function readField(schema: unknown, place: Place): FormField {
  if (!isJsonObject(schema)) return { kind: 'json', ...readBase({}, place, asJson) };
  const scalar = readScalar(schema, place);
  if (scalar !== undefined) return scalar;
  if (schema['type'] === 'array' && !isBeyondFields(schema) && isJsonObject(schema['items'])) {
    const item = readScalar(schema['items'], { ...place, isRequired: true });
    if (item !== undefined) return readList(schema, place, item);
  }
  return { kind: 'json', ...readBase(schema, place, asJson) };
}

function readScalar(schema: JsonSchema, place: Place): ScalarField | undefined {
  if (isBeyondFields(schema)) return undefined;
  if ('const' in schema) return readChoice(schema, place, [schema['const']]);
  if (Array.isArray(schema['enum'])) return readChoice(schema, place, schema['enum']);
  switch (schema['type']) {
    case 'string':
      return {
        kind: 'text',
        ...readBase(schema, place, (value) => (typeof value === 'string' ? value : '')),
        minLength: numberIn(schema, 'minLength'),
        maxLength: numberIn(schema, 'maxLength'),
        format: typeof schema['format'] === 'string' ? schema['format'] : undefined,
      };
    case 'number':
    case 'integer':
      return {
        kind: 'number',
        ...readBase(schema, place, (value) => (typeof value === 'number' ? String(value) : '')),
        isInteger: schema['type'] === 'integer',
        minimum: numberIn(schema, 'minimum'),
        maximum: numberIn(schema, 'maximum'),
        exclusiveMinimum: numberIn(schema, 'exclusiveMinimum'),
        exclusiveMaximum: numberIn(schema, 'exclusiveMaximum'),
        multipleOf: numberIn(schema, 'multipleOf'),
      };
    case 'boolean':
      return {
        kind: 'boolean',
        ...readBase(schema, place, (value) => (typeof value === 'boolean' ? String(value) : '')),
      };
    default:
      return undefined;
  }
}

function readChoice(schema: JsonSchema, place: Place, values: readonly unknown[]): ChoiceField {
  // A text stands for itself unless another value would look the same: 1 beside "1".
  const plain = values.map((value) => (typeof value === 'string' ? value : asJson(value)));
  const isClear = new Set(plain).size === plain.length && !plain.includes('');
  const choices = values.map((value, index) => ({
    label: isClear ? (plain[index] ?? '') : asJson(value),
    value,
  }));
  const labelOf = (value: unknown): string =>
    choices.find((choice) => asJson(choice.value) === asJson(value))?.label ?? '';
  const base = readBase(schema, place, labelOf);
  const only = choices.length === 1 && place.isRequired ? (choices[0]?.label ?? '') : base.initialDraft;
  return { kind: 'choice', ...base, initialDraft: only, choices };
}

function readList(schema: JsonSchema, place: Place, item: ScalarField): ListField {
  return {
    kind: 'list',
    ...readBase(schema, place, (value) => (Array.isArray(value) ? asJson(value) : '')),
    item,
    minItems: numberIn(schema, 'minItems'),
    maxItems: numberIn(schema, 'maxItems'),
  };
}

function readBase(schema: JsonSchema, place: Place, write: (value: unknown) => string): FieldBase {
  const { title, description } = schema;
  return {
    ...place,
    title: typeof title === 'string' && title !== '' ? title : place.name,
    description: typeof description === 'string' && description !== '' ? description : undefined,
    initialDraft: schema['default'] === undefined ? '' : write(schema['default']),
  };
}

function isBeyondFields(schema: JsonSchema): boolean {
  return BEYOND_FIELDS.some((keyword) => keyword in schema);
}

function numberIn(schema: JsonSchema, keyword: string): number | undefined {
  const value = schema[keyword];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function asJson(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
