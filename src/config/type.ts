import type { Type as TypeBox } from 'typebox';

type Words =
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String';
type Builders = Pick<typeof TypeBox, Words | 'Union' | 'Unknown' | 'Unsafe'>;
type Schema = Readonly<Record<string, unknown>>;

const optional = new WeakSet<Schema>();

const simple =
  (type: string) =>
  (options?: Schema): Schema => ({ type, ...options });

const builders = {
  Array: (items: Schema, options?: Schema): Schema => ({ type: 'array', items, ...options }),
  Boolean: simple('boolean'),
  Enum: (values: readonly string[], options?: Schema): Schema => ({ enum: values, ...options }),
  Integer: simple('integer'),
  Null: simple('null'),
  Number: simple('number'),
  Object: (properties: Readonly<Record<string, Schema>>, options?: Schema): Schema => {
    const required = Object.entries(properties).flatMap(([name, each]) => (optional.has(each) ? [] : [name]));
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options };
  },
  Optional: (schema: Schema): Schema => {
    const own = { ...schema };
    optional.add(own);
    return own;
  },
  Record: (name: { readonly pattern: string }, value: Schema, options?: Schema): Schema => ({
    type: 'object',
    patternProperties: { [name.pattern]: value },
    ...options,
  }),
  String: simple('string'),
  Union: (schemas: readonly Schema[], options?: Schema): Schema => ({ anyOf: schemas, ...options }),
  Unknown: (options?: Schema): Schema => ({ ...options }),
  Unsafe: (schema: Schema): Schema => schema,
};

/**
 * The words of TypeBox that this project writes schemas with: its types, so that `Static` reads them, and at run time
 * the same JSON Schema. TypeBox itself would come as some 300 files for these few (docs/decisions/0020).
 */
export const Type = builders as unknown as Builders;
