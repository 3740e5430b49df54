import {
  CLIENT_ID_LEVEL,
  USER_NAME_LEVEL,
  type AclRules,
  type PatternRule,
  type TopicRules,
} from './acl-file.ts';

/** Who the patterns are filled in for. */
export type PatternSubject = { readonly clientId: string; readonly userName: string | undefined };

/**
 * Fills the patterns in for one client. A client id or user name that is more than one plain level, such as `+` or
 * `a/b`, never gains anything: rules that would take it in are left out, and denials forbid everything from that
 * level on. Rules for user names do not concern clients without one.
 */
export function fillPatterns(patterns: AclRules['patterns'], subject: PatternSubject): TopicRules {
  const rules = { read: [] as string[], write: [] as string[], deny: [] as TopicRules['deny'][number][] };
  for (const pattern of patterns) {
    const filter = fillPattern(pattern, subject);
    if (filter === undefined) continue;
    if (pattern.access === 'deny') rules.deny.push({ filter, rule: pattern.rule });
    if (pattern.access === 'read' || pattern.access === 'readwrite') rules.read.push(filter);
    if (pattern.access === 'write' || pattern.access === 'readwrite') rules.write.push(filter);
  }
  return rules;
}

function fillPattern({ access, levels }: PatternRule, subject: PatternSubject): string | undefined {
  const filled: string[] = [];
  for (const level of levels) {
    if (level !== CLIENT_ID_LEVEL && level !== USER_NAME_LEVEL) {
      filled.push(level);
      continue;
    }
    const value = level === CLIENT_ID_LEVEL ? subject.clientId : subject.userName;
    if (value === undefined) return undefined;
    if (isPlainLevel(value, filled.length === 0)) filled.push(value);
    else return access === 'deny' ? [...filled, '#'].join('/') : undefined;
  }
  return filled.join('/');
}

/** Whether a text, as one level, stands for itself and nothing else. */
function isPlainLevel(text: string, isFirst: boolean): boolean {
  // `$` at the start would lead into `$SYS` and the like.
  return text !== '' && !/[+#/\0]/.test(text) && !(isFirst && text.startsWith('$'));
}
