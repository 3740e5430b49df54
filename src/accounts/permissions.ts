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
 * A part of what roles permit. Without `verbs`, all of theirs. Without `devices` and `services`, everything; else only
 * what is named there: ids in which `*` stands for any characters.
 */
export type Scope = {
  readonly verbs?: readonly Verb[];
  readonly devices?: readonly string[];
  readonly services?: readonly string[];
};

/** Whoever something is permitted to. */
type Holder = { readonly roles: readonly Role[]; readonly scopes: readonly Scope[] };

/** What something is done to; the hub itself, with all that it has, where it is neither. */
export type Target = { readonly device?: string; readonly service?: string };

const WHOLE_HUB: Target = {};

/** Whether somebody may do something. Every way in asks this, and nothing else decides. */
export function may({ roles, scopes }: Holder, verb: Verb, target: Target = WHOLE_HUB): boolean {
  if (!roles.some((role) => VERBS_OF[role].has(verb))) return false;
  return scopes.length === 0 || scopes.some((scope) => isWithin(scope, verb, target));
}

/** Whether the configuration alone says what somebody may. */
export function isLetIn({ roles }: Holder): boolean {
  return roles.includes('let-in');
}

function isWithin({ verbs, devices, services }: Scope, verb: Verb, { device, service }: Target): boolean {
  if (verbs?.includes(verb) === false) return false;
  if (devices === undefined && services === undefined) return true;
  if (device !== undefined) return devices?.some((pattern) => matchesPattern(pattern, device)) === true;
  return service !== undefined && services?.some((pattern) => matchesPattern(pattern, service)) === true;
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
