/** A target as it is sent, and its path as servers may read it. */
export type TargetPath = {
  /** Path and query: as they came, but what no path may have is percent-encoded, so that all read the same. */
  readonly target: string;
  /** Decoded once, as RFC 3986 has it: `%2F` is a part of its segment. */
  readonly segments: readonly string[];
  /**
   * Decoded once, twice …: `%2F` and `\` are slashes, and what some servers cut off a segment is cut off. One that they
   * skip stays, empty: only `**` takes it, and that goes without it as well.
   */
  readonly looseReadings: readonly (readonly string[])[];
};

/** Of nothing that anybody reads in two ways: most paths are such. */
const PLAIN = /^(?:[A-Za-z0-9_~!$&'()*+,=:@/-]|\.(?![./]|$))*$/;
/** RFC 3986 section 3.3: a path is made of these, of slashes, and of whole encodings. */
const NOT_OF_A_PATH = /%(?![0-9a-fA-F]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/%-]/g;
/** Some servers know `%u002e`, too. */
const ENCODED = /%(?:[uU]([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))/g;
/** A server decodes once, a careless one twice: what is still encoded then was made for nobody honest. */
const MAX_DECODES = 3;
/** A control character ends a name for some programs, and is left out by others. */
const CONTROL = /[^ -~\u0080-\uffff]/;
/** More bytes of UTF-8 than the character needs: lenient servers take `%c0%ae` for a dot. */
const OVERLONG = /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]/;

/**
 * The one form of a target that is judged, and sent.
 *
 * @param target - path and query, beginning with `/`
 * @returns undefined when a server could read it as a way out: a segment that is `.` or `..`, however encoded, with
 *   backslashes for slashes, with parameters or blanks; or when it holds a fragment or a control character
 */
export function readTargetPath(target: string): TargetPath | undefined {
  if (!target.startsWith('/') || target.includes('#')) return undefined;
  const queryAt = target.includes('?') ? target.indexOf('?') : target.length;
  const written = target.slice(1, queryAt);
  if (PLAIN.test(written)) {
    const segments = written.split('/');
    return { target, segments, looseReadings: [segments] };
  }
  const path = written.replaceAll(NOT_OF_A_PATH, encodeByte);
  const looseReadings: string[][] = [];
  let text = path;
  for (let decodes = 1; ; decodes++) {
    const before = text;
    text = decode(before);
    if (decodes > 1 && text === before) break;
    const parts = text.split(/[/\\]/);
    if (decodes > MAX_DECODES || CONTROL.test(text) || OVERLONG.test(text) || parts.some(isWayOut))
      return undefined;
    looseReadings.push(parts.map(looseName));
  }
  return {
    target: `/${path}${target.slice(queryAt)}`,
    segments: path.split('/').map(decode),
    looseReadings,
  };
}

/** Without parameters, and without the blanks and dots that Windows leaves out. */
function looseName(segment: string): string {
  const name = withoutParameters(segment).trimStart();
  let end = name.length;
  while (end > 0 && (name[end - 1] === ' ' || name[end - 1] === '.')) end--;
  return name.slice(0, end);
}

function isWayOut(segment: string): boolean {
  const name = withoutParameters(segment);
  const dots = name.replaceAll(' ', '');
  return /^\.+$/.test(dots) && (dots.length <= 2 || dots !== name);
}

function withoutParameters(segment: string): string {
  const at = segment.indexOf(';');
  return at < 0 ? segment : segment.slice(0, at);
}

/** Byte by byte: what is no UTF-8 is told apart all the same. */
function decode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(ENCODED, (_all, wide: string | undefined, hex: string | undefined) =>
    String.fromCharCode(Number.parseInt(wide ?? hex ?? '', 16)),
  );
}

function encodeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
