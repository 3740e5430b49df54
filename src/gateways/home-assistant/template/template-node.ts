import type { PythonValue } from './python-value.ts';

/** An expression of a template. */
export type TemplateNode = {
  /** In the template, in characters from its begin. */
  readonly at: number;
} & (
  | { readonly kind: 'constant'; readonly value: PythonValue }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'attribute'; readonly of: TemplateNode; readonly name: string }
  | { readonly kind: 'item'; readonly of: TemplateNode; readonly key: TemplateNode }
  | {
      readonly kind: 'slice';
      readonly of: TemplateNode;
      readonly from: TemplateNode | undefined;
      readonly to: TemplateNode | undefined;
    }
  | { readonly kind: 'list' | 'tuple'; readonly items: readonly TemplateNode[] }
  | {
      readonly kind: 'dict';
      readonly members: readonly (readonly [key: TemplateNode, value: TemplateNode])[];
    }
  | { readonly kind: 'not' | 'negative' | 'positive'; readonly of: TemplateNode }
  | {
      readonly kind: 'and' | 'or' | 'join' | 'calculation';
      readonly operator: string;
      readonly left: TemplateNode;
      readonly right: TemplateNode;
    }
  | {
      readonly kind: 'comparison';
      readonly left: TemplateNode;
      readonly steps: readonly { readonly operator: string; readonly right: TemplateNode }[];
    }
  | {
      readonly kind: 'choice';
      readonly condition: TemplateNode;
      readonly whenTrue: TemplateNode;
      readonly otherwise: TemplateNode | undefined;
    }
  | ({ readonly kind: 'call'; readonly of: TemplateNode } & WrittenArguments)
  | ({
      readonly kind: 'filter' | 'test';
      readonly of: TemplateNode;
      readonly name: string;
    } & WrittenArguments)
);

/** What stands between the brackets of a call. */
export type WrittenArguments = {
  readonly positional: readonly TemplateNode[];
  readonly named: ReadonlyMap<string, TemplateNode>;
};

/** What a template does, in order. */
export type TemplateStatement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly value: TemplateNode }
  | { readonly kind: 'set'; readonly name: string; readonly value: TemplateNode }
  | {
      readonly kind: 'if';
      readonly branches: readonly {
        /** Undefined: `else`. */
        readonly condition: TemplateNode | undefined;
        readonly body: readonly TemplateStatement[];
      }[];
    };
