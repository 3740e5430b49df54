/** A path taken apart in both ways that a server may read an encoded slash. */
export type TargetPath = {
  /** `%2F` is a part of its segment. */
  readonly segments: readonly string[];
  /** `%2F` and `\` are slashes. */
  readonly looseSegments: readonly string[];
};

const ENCODED = /%([0-9a-fA-F]{2})/g;
const BROKEN_ENCODING = /%(?![0-9a-fA-F]{2})/;

/**
 * The decoded segments of a target's path, for the rules of an agent.
 *
 * @param target - path and query, beginning with `/`
 * @returns undefined when a server could read it as a way out: a segment that is `.` or `..`, encoded or not, with
 *   backslashes or with parameters; or an encoding that is none
 */
export function readTargetPath(target: string): TargetPath | undefined {
  const path = target.replace(/[?#].*$/s, '');
  if (!path.startsWith('/') || BROKEN_ENCODING.test(path)) return undefined;
  const segments = path.slice(1).split('/').map(decode);
  const looseSegments = decode(path.slice(1)).split(/[/\\]/);
  if (looseSegments.some(isWayOut) || looseSegments.some((text) => text.includes('\0'))) return undefined;
  return { segments, looseSegments };
}

/** Byte by byte: what is no UTF-8 is told apart all the same. */
function decode(text: string): string {
  return text.replaceAll(ENCODED, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Some servers cut `;…` off before they look for `..`. */
function isWayOut(segment: string): boolean {
  const name = segment.replace(/;.*$/s, '');
  return name === '..' || name === '.';
}
