import type { Result } from '../../../base/result.ts';
import type { CommandKind, JsonSchema } from '../../../devices/command.ts';
import type { MetricType, MetricValue } from '../../../devices/reading.ts';
import type { NotUnderstood } from '../../../devices/description.ts';
import type { StateMessage } from './state-message.ts';

/** What a component reports. */
export type MetricPart = {
  readonly name: string;
  readonly title: string;
  readonly unit: string | undefined;
  readonly type: MetricType;
  /** It is false again so long after it became true. */
  readonly offDelayMs?: number | undefined;
  /** Where it is told; most have one. */
  readonly topics: readonly string[];
  /** Undefined where the message says nothing of it; a failure where it makes no sense, and the old value stays. */
  readonly read: (message: StateMessage) => Result<MetricValue | undefined, string>;
};

/** What a component can be asked. */
export type CommandPart = {
  readonly name: string;
  readonly title: string;
  readonly kind: CommandKind;
  readonly input: JsonSchema | undefined;
  /** How long its effect may take to be seen, in ms. */
  readonly expectedMs: number;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** The payload of an input that fits the schema; or why there is none. */
  readonly makePayload: (input: unknown) => Result<string, string>;
  /** The metric that shows the effect, and the value that it has then; undefined where no state tells. */
  readonly proof: { readonly metric: string; readonly wants: (input: unknown) => MetricValue } | undefined;
};

/** What can happen at a component. */
export type EventPart = {
  readonly name: string;
  readonly title: string;
  readonly topic: string;
  /** Undefined where the message is no such event. */
  readonly read: (message: StateMessage) => Result<{ readonly data: unknown } | undefined, string>;
};

/** How it is known whether a component can be reached. */
export type AvailabilityPart = {
  /** The same for components that say the same. */
  readonly key: string;
  readonly mode: 'all' | 'any' | 'latest';
  readonly sources: readonly {
    readonly topic: string;
    /** Undefined where the message says neither. */
    readonly read: (message: StateMessage) => boolean | undefined;
  }[];
};

/** One component, ready to be used. */
export type ComponentParts = {
  readonly key: string;
  readonly platform: string;
  readonly uniqueId: string | undefined;
  readonly metrics: readonly MetricPart[];
  readonly commands: readonly CommandPart[];
  readonly events: readonly EventPart[];
  /** Undefined: it is there while the broker is. */
  readonly availability: AvailabilityPart | undefined;
  readonly notUnderstood: readonly NotUnderstood[];
};
