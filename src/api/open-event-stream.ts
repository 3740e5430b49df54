import type { FastifyReply } from 'fastify';
import { partyOf } from '../accounts/principal.ts';
import { KeptKind } from '../base/kept-kinds.ts';
import type { Ledger } from '../base/ledger.ts';
import type { EventWish } from './stream-tickets.ts';
import { MAX_WAITING_BYTES, type EventStreams, type EventWriter } from './event-streams.ts';
import { RequestRefused } from './problems.ts';
import { bookForRequest } from './request-bookings.ts';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would keep events until it has 4 KiB of them.
  'x-accel-buffering': 'no',
};

/** Where streams of events are opened, and to whom they are booked. */
type StreamPlace = { readonly streams: EventStreams; readonly ledger: Ledger };

/** Answers with a stream of events, for as long as either end wants. Throws where there is no room for one more. */
export function openEventStream(
  { streams, ledger }: StreamPlace,
  reply: FastifyReply,
  { interest, lastEventId, write }: EventWish & { readonly write?: EventWriter },
): void {
  const { request } = reply;
  const caller = partyOf(request.principal, request.address);
  const isHead = request.method === 'HEAD';
  if (!isHead && !streams.hasRoomFor(caller)) {
    const text = `You have as many streams of events as one may have (${streams.maxPerCaller}), or the hub has.`;
    throw tooMany(text);
  }
  const kept = { kind: KeptKind.EVENT_STREAM, bytes: MAX_WAITING_BYTES };
  if (!isHead && !bookForRequest(ledger, request, reply.raw, kept))
    throw tooMany('The hub keeps as much for streams of events as it may.');
  reply.hijack();
  const headers = { ...reply.getHeaders(), ...HEADERS };
  reply.raw.writeHead(200, headers as Record<string, string>);
  if (isHead) reply.raw.end();
  else streams.serve(reply.raw, { caller, interest, lastEventId, ...(write !== undefined && { write }) });
}

export function tooMany(text: string): RequestRefused {
  return new RequestRefused('TOO_MANY_REQUESTS', text, { headers: { 'retry-after': '5' } });
}
