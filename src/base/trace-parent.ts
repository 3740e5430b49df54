import { randomFillSync } from 'node:crypto';

/** W3C Trace Context, version 00. Later versions may say more behind it. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
const EMPTY_IDS = /^..-(?:0{32}-|[0-9a-f]{32}-0{16}-)/;
const MAX_CHARACTERS = 256;
/** Of a trace, 16, and of its parent, 8. */
const IDS_BYTES = 24;

export function isTraceParent(text: string): boolean {
  if (text.length > MAX_CHARACTERS || !TRACE_PARENT.test(text)) return false;
  return !text.startsWith('ff') && !EMPTY_IDS.test(text);
}

/** Random bytes for many, so that the system is seldom asked for some. */
const random = Buffer.allocUnsafeSlow(IDS_BYTES * 256);
let randomAt = random.length;

/** The beginning of a trace that nobody records. */
export function newTraceParent(): string {
  if (randomAt === random.length) {
    randomFillSync(random);
    randomAt = 0;
  }
  const ids = random.toString('hex', randomAt, randomAt + IDS_BYTES);
  randomAt += IDS_BYTES;
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-00`;
}
