import { RecadoError } from '../../base/errors.ts';
import { isToken } from '../wire/header-list.ts';
import { readTargetPath, type TargetPath } from './target-path.ts';

/** One rule: methods, and a path in which `*` is one segment and `**` any number. */
type AllowRule = { readonly methods: ReadonlySet<string> | '*'; readonly segments: readonly string[] };

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

  /** Why a request may not pass, for its caller; undefined when it may. */
  findRefusal(method: string, target: string): string | undefined {
    const path = readTargetPath(target);
    if (path === undefined) return 'The path could lead out of the service.';
    if (this.#rules.length === 0 || this.#rules.some((rule) => matchesRule(rule, method, path)))
      return undefined;
    return `The agent does not let ${method} to this path pass.`;
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
  const segments = path.slice(1).split('/');
  const odd = segments.find((segment) => segment.includes('*') && segment !== '*' && segment !== '**');
  if (odd !== undefined || readTargetPath(path) === undefined) {
    const message = `"${text}" is no rule: * and ** stand alone between slashes, and . and .. do not occur`;
    throw new RecadoError('CONFIG_INVALID', message);
  }
  return {
    methods: methodList === '*' ? '*' : new Set(methods.map((method) => method.toUpperCase())),
    segments: segments.map(decodeOnce),
  };
}

/** Both readings of the path must be allowed: nobody knows which one is the target's. */
function matchesRule({ methods, segments }: AllowRule, method: string, path: TargetPath): boolean {
  if (methods !== '*' && !methods.has(method)) return false;
  return matches(segments, path.segments) && matches(segments, path.looseSegments);
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

function decodeOnce(segment: string): string {
  return readTargetPath(`/${segment}`)?.segments[0] ?? segment;
}
