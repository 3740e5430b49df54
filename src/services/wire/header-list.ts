/** Header fields in their order, duplicates apart: `Set-Cookie` must not be joined (RFC 9110 section 5.3). */
export type HeaderList = readonly HeaderField[];
export type HeaderField = readonly [name: string, value: string];

/** Of this connection only (RFC 9110 section 7.6.1), and those that older programs treat so. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** With these a caller asks for one thing, and the frameworks and proxies that know them do another. */
const OVERRIDES: ReadonlySet<string> = new Set([
  'x-http-method',
  'x-http-method-override',
  'x-http-path-override',
  'x-method-override',
  'x-original-method',
  'x-original-path',
  'x-original-uri',
  'x-original-url',
  'x-envoy-original-path',
  'x-forwarded-method',
  'x-forwarded-path',
  'x-forwarded-uri',
  'x-override-url',
  'x-request-uri',
  'x-rewrite-uri',
  'x-rewrite-url',
]);

const NO_NAMES: ReadonlySet<string> = new Set();

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
/** RFC 9110 section 5.5: without CR, LF and NUL, or a header could become two. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function isHeaderField(name: string, value: string): boolean {
  return TOKEN.test(name) && FIELD_VALUE.test(value);
}

/** An address of the service in a request: the hub gives it to agents as a path, as it does the target. */
export function isDestination(name: string): boolean {
  return name.length === 11 && name.toLowerCase() === 'destination';
}

/** Whether a field asks for another method or path than the request. Programs behind CGI cannot tell `-` from `_`. */
export function isOverride(name: string): boolean {
  return OVERRIDES.has(name.toLowerCase().replaceAll('_', '-'));
}

/** Names and values in turn, as Node has them, in pairs. */
export function pairHeaders(raw: readonly string[]): HeaderList {
  const list: HeaderField[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) list.push([raw[index]!, raw[index + 1]!]);
  return list;
}

/**
 * The header fields that go on: neither those of the connection, nor those that it names, nor `without`.
 *
 * @param without - names in lower case
 */
export function endToEndHeaders(list: HeaderList, without: ReadonlySet<string>): HeaderList {
  const named = namedByConnection(list);
  return list.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !named.has(lower) && !without.has(lower);
  });
}

/** The first value of a field; undefined when it is not there. */
export function findHeader(list: HeaderList, lowerName: string): string | undefined {
  return list.find(([name]) => name.toLowerCase() === lowerName)?.[1];
}

function namedByConnection(list: HeaderList): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (const [name, value] of list) {
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const option of value.split(',')) (names ??= new Set()).add(option.trim().toLowerCase());
  }
  return names ?? NO_NAMES;
}
