import { RecadoError } from '../../base/errors.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import {
  isDestination,
  isOverride,
  isToken,
  type HeaderField,
  type HeaderList,
} from '../wire/header-list.ts';
import { readTargetPath, type TargetPath } from './target-path.ts';

/** What an allow list looks at, and gives back as it is to be sent. */
type JudgedRequest = { readonly method: string; readonly target: string; readonly headers: HeaderList };

/** One rule: methods, and a path in which `*` is one segment and `**` any number. */
type AllowRule = {
  readonly methods: ReadonlySet<string> | '*';
  readonly segments: readonly string[];
  /** The same for the looser readings of a path. */
  readonly looseSegments: readonly string[];
};

/** What an agent lets pass. Without rules that is everything below its URL. */
export class AllowList {
  readonly #rules: readonly AllowRule[];

  /**
   * @param rules - as `GET,HEAD /invoices/**` or `* /public/*`
   * @throws {RecadoError} `CONFIG_INVALID`
   */
  constructor(rules: readonly string[]) {
    this.#rules = rules.map(parseRule);
  }

  /** The request in the form that was judged, to be sent so; or, for its caller, why it may not pass. */
  admit<T extends JudgedRequest>(request: T): Result<T, string> {
    const { method, headers } = request;
    const target = this.#judge(method, request.target);
    if (!target.ok) return target;
    const kept: HeaderField[] = [];
    for (const field of headers) {
      const [name, value] = field;
      if (!isDestination(name)) {
        if (this.#rules.length === 0 || !isOverride(name)) kept.push(field);
        continue;
      }
      // Of COPY and MOVE: a second path (RFC 4918 section 10.3).
      const judged = this.#judge(method, value);
      if (!judged.ok) return judged;
      kept.push([name, judged.value]);
    }
    return succeed({ ...request, target: target.value, headers: kept });
  }

  #judge(method: string, target: string): Result<string, string> {
    const path = readTargetPath(target);
    if (path === undefined) return fail('The path could lead out of the service.');
    const passes = this.#rules.length === 0 || this.#rules.some((rule) => matchesRule(rule, method, path));
    return passes ? succeed(path.target) : fail(`The agent does not let ${method} to this path pass.`);
  }
}

function parseRule(text: string): AllowRule {
  const match = /^(\S+)\s+(\/\S*)$/.exec(text.trim());
  const [, methodList = '', path = ''] = match ?? [];
  const methods = methodList.split(',');
  if (match === null || (methodList !== '*' && !methods.every(isToken))) {
    const message = `"${text}" is no rule; write METHODS /path, as 'GET,HEAD /invoices/**' or '* /public/*'`;
    throw new RecadoError('CONFIG_INVALID', message);
  }
  const written = path.slice(1).split('/');
  const read = path.includes('?') ? undefined : readTargetPath(path);
  const looseSegments = read?.looseReadings[0] ?? [];
  const isOdd =
    written.some((segment) => segment.includes('*') && segment !== '*' && segment !== '**') ||
    looseSegments.slice(0, -1).includes('') ||
    /%2a/i.test(path);
  if (read === undefined || isOdd) {
    const message =
      `"${text}" is no rule: * and ** stand alone between slashes, no segment is empty, ` +
      'and . and .., ? and # do not occur';
    throw new RecadoError('CONFIG_INVALID', message);
  }
  return {
    methods: methodList === '*' ? '*' : new Set(methods.map((method) => method.toUpperCase())),
    segments: read.segments,
    looseSegments,
  };
}

/** Every reading of the path must be allowed: nobody knows which one is the target's. */
function matchesRule(rule: AllowRule, method: string, path: TargetPath): boolean {
  if (rule.methods !== '*' && !rule.methods.has(method)) return false;
  return (
    matches(rule.segments, path.segments) &&
    path.looseReadings.every((reading) => matches(rule.looseSegments, reading))
  );
}

/** Walks both from the left; the last `**` takes one segment more whenever it does not go on. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  let [patternAt, pathAt] = [0, 0];
  let [anyAt, anyTakes] = [-1, 0];
  while (pathAt < path.length) {
    const part = pattern[patternAt];
    if (part === '**') {
      anyAt = patternAt++;
      anyTakes = pathAt;
    } else if (part !== undefined && (part === '*' ? path[pathAt] !== '' : part === path[pathAt])) {
      patternAt++;
      pathAt++;
    } else if (anyAt >= 0) {
      patternAt = anyAt + 1;
      pathAt = ++anyTakes;
    } else {
      return false;
    }
  }
  while (pattern[patternAt] === '**') patternAt++;
  return patternAt === pattern.length;
}
