/** The TypeScript type of the values that a JSON Schema literal describes; `unknown` where it says too little. */
export type ValueOf<Schema> = Schema extends { readonly const: infer Value }
  ? Value
  : Schema extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : Schema extends { readonly type: infer Type }
      ? ValueOfType<Type, Schema>
      : unknown;

type ValueOfType<Type, Schema> = Type extends 'string'
  ? string
  : Type extends 'number' | 'integer'
    ? number
    : Type extends 'boolean'
      ? boolean
      : Type extends 'null'
        ? null
        : Type extends 'array'
          ? readonly (Schema extends { readonly items: infer Item } ? ValueOf<Item> : unknown)[]
          : Type extends 'object'
            ? ValueOfObject<Schema>
            : unknown;

type ValueOfObject<Schema> = Schema extends { readonly properties: infer Properties }
  ? Schema extends { readonly required: readonly (infer Required)[] }
    ? { readonly [Name in keyof Properties & Required]: ValueOf<Properties[Name]> } & {
        readonly [Name in Exclude<keyof Properties, Required>]?: ValueOf<Properties[Name]>;
      }
    : { readonly [Name in keyof Properties]?: ValueOf<Properties[Name]> }
  : { readonly [name: string]: unknown };

/** What a handler is given: `undefined` for a command without an input schema. */
export type InputOf<Schema> = unknown extends Schema ? undefined : ValueOf<Schema>;
