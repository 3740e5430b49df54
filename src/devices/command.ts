/** `read` changes nothing, `write` sets something, `action` does something. */
export const COMMAND_KINDS = ['read', 'write', 'action'] as const;

export type CommandKind = (typeof COMMAND_KINDS)[number];

/** A JSON Schema, already checked against the subset that the hub accepts (see `json-schema.ts`). */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** One thing that a device can be asked to do. */
export type Command = {
  /** Unique within the device: the last part of the command's address. */
  readonly name: string;
  /** 1, 2, 3 … in the order of the description; some programs address commands by it. */
  readonly number: number;
  readonly title: string;
  readonly kind: CommandKind;
  /** Absent: the command takes no input. */
  readonly input?: JsonSchema;
  readonly output?: JsonSchema;
  /** Invoking twice does no more than invoking once. */
  readonly idempotent: boolean;
  /** `serial`: one invocation of this command at a time; `parallel`: any number. */
  readonly concurrency: 'serial' | 'parallel';
  /** How long it usually takes, in ms. */
  readonly expectedMs?: number;
};
