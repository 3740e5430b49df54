import { fail, succeed, type Result } from '../base/result.ts';
import { VERBS, type Scope, type Verb } from './permissions.ts';

/** What a scope may name, by the word before the colon. */
const MEMBERS = { device: 'devices', tag: 'tags', service: 'services', topic: 'topics' } as const;
type Named = keyof typeof MEMBERS;

/** `device:pump-*`, `tag:"ground floor"`, and anything else up to a space. */
const WORD = /(device|tag|service|topic):("(?:[^"\\]|\\.)*"|\S+)|\S+/g;
const NEEDS_QUOTES = /[\s"]/;

/** Reads a scope as people write it: verbs, then what it is for, `read,command device:pump-* tag:hall`. */
export function parseScope(text: string): Result<Scope, string> {
  const verbs: Verb[] = [];
  const members: { [K in (typeof MEMBERS)[Named]]?: string[] } = {};
  for (const [word, named, written = ''] of text.matchAll(WORD)) {
    if (named !== undefined) {
      (members[MEMBERS[named as Named]] ??= []).push(readValue(written));
      continue;
    }
    for (const name of word.split(',')) {
      const verb = VERBS.find((known) => known === name);
      if (verb === undefined) return fail(faultOf(name));
      verbs.push(verb);
    }
  }
  const scope = { ...(verbs.length > 0 && { verbs }), ...members };
  return Object.keys(scope).length > 0 ? succeed(scope) : fail('a scope needs a verb, or what it is for');
}

/** The other way round. */
export function formatScope(scope: Scope): string {
  const named = (Object.keys(MEMBERS) as Named[]).flatMap((name) =>
    (scope[MEMBERS[name]] ?? []).map((value) => `${name}:${writeValue(value)}`),
  );
  return [...(scope.verbs === undefined ? [] : [scope.verbs.join(',')]), ...named].join(' ');
}

function readValue(written: string): string {
  if (!written.startsWith('"')) return written;
  try {
    return JSON.parse(written) as string;
  } catch {
    return written;
  }
}

function writeValue(value: string): string {
  return NEEDS_QUOTES.test(value) ? JSON.stringify(value) : value;
}

function faultOf(word: string): string {
  const names = Object.keys(MEMBERS).map((name) => `${name}:…`);
  return `"${word}" is no verb (${VERBS.join(', ')}), nor ${names.join(', ')}`;
}
