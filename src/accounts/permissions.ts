import { covers } from '../mqtt/access/filter-relations.ts';
import { matchesTopicFilter, parseTopicFilter } from '../mqtt/topics/topic-filter.ts';
import { TOPIC_FAULT_WORDS } from '../mqtt/topics/topic-name.ts';

/** What somebody can be that accounts are made for. */
export const ROLES = ['viewer', 'operator', 'admin', 'device', 'agent'] as const;
export type AssignableRole = (typeof ROLES)[number];
/** `let-in` has whom the configuration lets in without saying what it may. */
export type Role = AssignableRole | 'let-in';

/** What can be done: everything that is asked for is one of these. */
export const VERBS = ['read', 'command', 'manage', 'connect', 'serve', 'administer'] as const;
export type Verb = (typeof VERBS)[number];

/*
 * read: see devices, telemetry, events; receive messages.  command: ask devices; publish; what services may change.
 * manage: forget devices, end sessions.  connect: be a device.  serve: be the agent of a service.
 * administer: say who may what, and read who did what.
 */
const VERBS_OF: Readonly<Record<Role, ReadonlySet<Verb>>> = {
  viewer: new Set(['read']),
  operator: new Set(['read', 'command']),
  device: new Set(['connect']),
  agent: new Set(['serve']),
  'let-in': new Set(['read', 'command', 'manage', 'connect', 'serve']),
  admin: new Set(VERBS),
};

/**
 * A part of what roles permit. Without `verbs`, all of theirs. Where it names devices, tags, services or topics, these
 * and nothing else; of several that it names, one is enough.
 */
export type Scope = {
  readonly verbs?: readonly Verb[];
  /** Ids, in which `*` stands for any characters. */
  readonly devices?: readonly string[];
  /** Devices that people gave one of these. */
  readonly tags?: readonly string[];
  /** Names, with `*` likewise. */
  readonly services?: readonly string[];
  /** Topic Filters of MQTT: to subscribe is to read, to publish is to command. */
  readonly topics?: readonly string[];
};

/** Whoever something is permitted to. */
type Holder = { readonly roles: readonly Role[]; readonly scopes: readonly Scope[] };

/** What something is done to; the hub itself, with all that it has, where it is none of these. */
export type Target =
  | { readonly device: string; readonly tags: readonly string[] }
  | { readonly service: string }
  | { readonly topic: string }
  | { readonly topicFilter: string }
  | Readonly<Record<string, never>>;

/** What scopes know a device by. */
export type DeviceTargets = (deviceId: string) => Target;

const WHOLE_HUB: Target = {};

/** Whether somebody may do something. Every way in asks this, and nothing else decides. */
export function may({ roles, scopes }: Holder, verb: Verb, target: Target = WHOLE_HUB): boolean {
  if (!roles.some((role) => VERBS_OF[role].has(verb))) return false;
  return scopes.length === 0 || scopes.some((scope) => isWithin(scope, verb, target));
}

/** Whether there may be something to which somebody may do it: what is worth offering. */
export function mayAnywhere({ roles, scopes }: Holder, verb: Verb): boolean {
  if (!roles.some((role) => VERBS_OF[role].has(verb))) return false;
  return scopes.length === 0 || scopes.some(({ verbs }) => verbs?.includes(verb) !== false);
}

/** Whether the configuration alone says what somebody may. */
export function isLetIn({ roles }: Holder): boolean {
  return roles.includes('let-in');
}

function isWithin(scope: Scope, verb: Verb, target: Target): boolean {
  const { verbs, devices, tags, services, topics } = scope;
  if (verbs?.includes(verb) === false) return false;
  if ((devices ?? tags ?? services ?? topics) === undefined) return true;
  if ('device' in target) {
    const { device, tags: given } = target;
    if (tags?.some((tag) => given.includes(tag)) === true) return true;
    return devices?.some((pattern) => matchesPattern(pattern, device)) === true;
  }
  if ('service' in target) return services?.some((name) => matchesPattern(name, target.service)) === true;
  if ('topic' in target) return topics?.some((filter) => matchesTopicFilter(filter, target.topic)) === true;
  return 'topicFilter' in target && topics?.some((filter) => covers(filter, target.topicFilter)) === true;
}

/** What is wrong with scopes that somebody is to be given; undefined where nothing is. */
export function findScopeFault(scopes: readonly Scope[]): string | undefined {
  for (const filter of scopes.flatMap(({ topics = [] }) => topics)) {
    const parsed = parseTopicFilter(filter, Infinity);
    if (!parsed.ok) return `The topic ${filter} of a scope ${TOPIC_FAULT_WORDS[parsed.failure]}.`;
    if (parsed.value.shareName !== undefined)
      return `The topic ${filter} of a scope names a group: write what follows it, groups are included.`;
  }
  return undefined;
}

/** Whether a text is what a pattern says, in which each `*` stands for any characters: in one walk, whatever it says. */
function matchesPattern(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return pattern === text;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
