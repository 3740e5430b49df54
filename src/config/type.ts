import type { Type as TypeBox } from 'typebox';

export type { Static } from 'typebox';

type Builders = Pick<
  typeof TypeBox,
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
  | 'Unsafe'
>;
type Schema = Readonly<Record<string, unknown>>;

const optional = new WeakSet<Schema>();

const simple =
  (type: string) =>
  (words?: Schema): Schema => ({ type, ...words });

const builders = {
  Array: (items: Schema, words?: Schema): Schema => ({ type: 'array', items, ...words }),
  Boolean: simple('boolean'),
  Enum: (values: readonly string[], words?: Schema): Schema => ({ enum: values, ...words }),
  Integer: simple('integer'),
  Null: simple('null'),
  Number: simple('number'),
  Object: (properties: Readonly<Record<string, Schema>>, words?: Schema): Schema => {
    const required = Object.keys(properties).filter((name) => !optional.has(properties[name]!));
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...words };
  },
  Optional: (schema: Schema): Schema => {
    const own = { ...schema };
    optional.add(own);
    return own;
  },
  Record: ({ pattern }: { readonly pattern: string }, value: Schema, words?: Schema): Schema => ({
    type: 'object',
    patternProperties: { [pattern]: value },
    ...words,
  }),
  String: simple('string'),
  Union: (anyOf: readonly Schema[], words?: Schema): Schema => ({ anyOf, ...words }),
  Unknown: (words?: Schema): Schema => ({ ...words }),
  Unsafe: (schema: Schema): Schema => schema,
};

/**
 * The words of TypeBox that schemas are written with here: its types, so that `Static` reads them, and the same JSON
 * Schema. TypeBox itself would come as some 300 files for these few (docs/decisions/0020).
 */
export const Type = builders as unknown as Builders;

/** For who checks by these schemas: they are ours, so they are not checked themselves, and have words of our own. */
export const PLAIN_JSON_SCHEMA = {
  strict: false,
  meta: false,
  validateSchema: false,
  logger: false,
} as const;

/** The values of a schema, as the parts of a program are given them. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;
