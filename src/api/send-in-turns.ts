import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { KeptKind } from '../base/kept-kinds.ts';
import type { Ledger } from '../base/ledger.ts';
import { RequestRefused } from './problems.ts';
import { bookForRequest } from './request-bookings.ts';

/** What is made in one turn of the event loop, whatever is asked for: the others have theirs. */
export const MAX_TURN_CHARACTERS = 65_536;
/** What an answer has waiting at the most: what is made at once, as text and as bytes, and before the socket. */
const STREAMED_BYTES = 4 * MAX_TURN_CHARACTERS;

const TOO_MANY = new RequestRefused(
  'TOO_MANY_REQUESTS',
  'The hub has as many answers under way as it may. Try again when some have been read.',
  { headers: { 'retry-after': '5' } },
);

/** Answers with texts that are made as they are read. */
export function sendInTurns(reply: FastifyReply, ledger: Ledger, texts: Iterable<string>): FastifyReply {
  const kept = { kind: KeptKind.ANSWER, bytes: STREAMED_BYTES };
  if (!bookForRequest(ledger, reply.request, reply.raw, kept)) throw TOO_MANY;
  return reply.send(streamInTurns(texts));
}

/** Texts, made as they are read, one in each turn of the event loop. */
export function streamInTurns(texts: Iterable<string>): Readable {
  async function* inTurns(): AsyncGenerator<string> {
    for (const text of texts) {
      yield text;
      await nextTurn();
    }
  }
  return Readable.from(inTurns(), { highWaterMark: 1 });
}

/** Puts small texts together, as many as one turn may make. */
export function* gather(texts: Iterable<string>): Generator<string> {
  let gathered = '';
  for (const text of texts) {
    gathered += text;
    if (gathered.length < MAX_TURN_CHARACTERS) continue;
    yield gathered;
    gathered = '';
  }
  if (gathered !== '') yield gathered;
}

/** A list of JSON, of which each item is made when it is its turn. */
export function* writeList<T>(items: Iterable<T>, write: (item: T) => string | undefined): Generator<string> {
  let before = '[';
  for (const item of items) {
    const text = write(item);
    if (text === undefined) continue;
    yield before + text;
    before = ',\n';
  }
  yield before === '[' ? '[]' : ']';
}
