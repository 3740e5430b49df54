import { DEFAULT_BROKER_OPTIONS } from '../../src/mqtt/broker/options.ts';
import type { Random } from '../helpers/mqtt-packets.ts';

export const TOPICS = ['a', 'a/b', 'a/c', 'a/b/c', 'b', 'b/b', '$x/a', 'a//b', '/b'] as const;
export const FILTERS = [
  '#',
  '+',
  'a/#',
  'a/+',
  '+/b',
  'a/b',
  'a',
  'a/b/c',
  '+/+',
  '$x/#',
  '/+',
  'a/+/b',
  '+/#',
  '$share/g/a/#',
  '$share/g/a/b',
  '$share/h/#',
] as const;

const NEVER = 0xffff_ffff;

/** What differs from seed to seed, before anything happens: mostly limits that are small on purpose. */
export type SimulationRules = {
  readonly clients: number;
  readonly steps: number;
  readonly store: 'none' | 'instant' | 'slow';
  readonly maxInflightMessages: number;
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  readonly maxOutboxBytes: number;
  readonly queueQos0: boolean;
  readonly maximumQos: 1 | 2;
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  readonly maxRetainedMessages: number;
  readonly maximumSessionExpiryInterval: number;
  readonly serverKeepAlive: number;
  readonly maxCachedTopics: number;
  readonly maxCachedMatches: number;
  /** The largest payload; sometimes more than goes into one buffer. */
  readonly maxPayloadBytes: number;
  readonly hasShared: boolean;
  readonly hasExpiry: boolean;
  /** How often something is held back, of 100. */
  readonly lazyPercent: number;
};

/** Draws the rules of a seed. */
export function drawRules(random: Random): SimulationRules {
  const pick = <T>(...choices: readonly T[]): T => choices[random(choices.length)]!;
  return {
    clients: 2 + random(4),
    steps: 60 + random(100),
    store: pick('none', 'instant', 'slow'),
    maxInflightMessages: pick(1, 2, 5, 20, 1024),
    maxQueuedMessages: pick(2, 5, 20, 1000, 1000),
    maxQueuedBytes: pick(600, 5000, 8_000_000, 8_000_000),
    maxOutboxBytes: pick(1024, 4096, 1_000_000),
    queueQos0: pick(true, false),
    maximumQos: pick(1, 2, 2, 2, 2, 2),
    receiveMaximum: pick(1, 3, 1024),
    topicAliasMaximum: pick(0, 1, 2, 32),
    maxRetainedMessages: pick(2, 1000, 1000),
    maximumSessionExpiryInterval: pick(2, 30, 120, NEVER),
    serverKeepAlive: pick(0, 0, 0, 20),
    maxCachedTopics: pick(1, 3, 100_000),
    maxCachedMatches: pick(1, 4, 1_000_000),
    maxPayloadBytes: pick(20, 20, 20, 200, 1500, random(4) === 0 ? 40_000 : 20),
    hasShared: pick(true, false),
    hasExpiry: pick(true, false),
    lazyPercent: pick(0, 20, 50),
  };
}

/** The rules that the broker has a name for. */
export function brokerOptionsOf(rules: SimulationRules): object {
  const options = Object.entries(rules).filter(([name]) => name in DEFAULT_BROKER_OPTIONS);
  return { ...Object.fromEntries(options), sysTopicIntervalMs: 0 };
}
