import type { IncomingHttpHeaders } from 'node:http';
import { fail, succeed, type Result } from '../base/result.ts';
import { findCharset, readText } from '../base/read-text.ts';
import { RequestRefused } from './problems.ts';

/** ASCII is UTF-8 as far as it goes. */
const CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);
const NO_CODING: ReadonlySet<string> = new Set(['', 'identity']);

const ENCODED = new RequestRefused(
  'MEDIA_TYPE_UNSUPPORTED',
  'The body has a Content-Encoding. Send it as it is.',
  // RFC 9110 section 15.5.16.
  { headers: { 'accept-encoding': 'identity' } },
);
const OTHER_CHARSET = new RequestRefused(
  'MEDIA_TYPE_UNSUPPORTED',
  'The body is in a charset that is not taken. Send it in UTF-8.',
);
const NOT_UTF8 = new RequestRefused('REQUEST_INVALID', 'The body is not UTF-8.');

/** What is wrong with how the body of a request is coded; undefined where it comes as it is. */
export function findCodingFault(headers: IncomingHttpHeaders): RequestRefused | undefined {
  const coding = headers['content-encoding']?.trim().toLowerCase() ?? '';
  return NO_CODING.has(coding) ? undefined : ENCODED;
}

/** The body of a request as text: it is UTF-8, and what says that it is something else is refused, not guessed at. */
export function readBodyText(
  headers: IncomingHttpHeaders,
  bytes: Uint8Array,
): Result<string, RequestRefused> {
  const fault = findCodingFault(headers);
  if (fault !== undefined) return fail(fault);
  const charset = findCharset(headers['content-type']);
  if (charset !== undefined && !CHARSETS.has(charset)) return fail(OTHER_CHARSET);
  const text = readText(bytes);
  return text === undefined ? fail(NOT_UTF8) : succeed(text);
}
