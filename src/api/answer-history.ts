import type { FastifyReply, FastifyRequest } from 'fastify';
import { partyOf } from '../accounts/principal.ts';
import type { QuestionFailure } from '../hub/history-questions.ts';
import type { Hub } from '../hub/hub.ts';
import { findDevice } from './find-device.ts';
import { readHistoryRange, type HistoryRange } from './history-query.ts';
import { MAX_HISTORY_VALUES, type HistoryWish } from './history-schemas.ts';
import { RequestRefused } from './problems.ts';
import { showTime } from './resources.ts';
import { endTogether, resolutionOf, writeHistoryCsv, type FoundHistory } from './write-history.ts';

type Asked = { readonly deviceId: string; readonly metrics: readonly string[]; readonly wish: HistoryWish };

const REFUSALS: Readonly<Record<QuestionFailure, () => RequestRefused>> = {
  'too-many': () =>
    new RequestRefused('TOO_MANY_REQUESTS', 'As many questions about the history wait as may. Try again.', {
      headers: { 'retry-after': '1' },
    }),
  unreadable: () =>
    new RequestRefused('STORE_UNAVAILABLE', 'The history cannot be read. The log of the hub says why.', {
      headers: { 'retry-after': '5' },
    }),
  left: () => new RequestRefused('REQUEST_CANCELLED', 'The caller has left.'),
};

/** Answers with what metrics of a device were, as CSV or as `writeJson` writes it. */
export async function answerHistory(
  hub: Hub,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  { deviceId, metrics, wish }: Asked,
  writeJson: (history: FoundHistory) => string,
): Promise<FastifyReply> {
  const { history } = hub;
  if (history === undefined)
    throw new RequestRefused('ROUTE_UNKNOWN', 'This hub keeps no history (telemetry.enabled).');
  const range = readHistoryRange(wish);
  if (range.limit * metrics.length > MAX_HISTORY_VALUES) {
    const text = `limit is ${range.limit} for each of ${metrics.length} metrics, more than ${MAX_HISTORY_VALUES} values a page.`;
    throw new RequestRefused('REQUEST_INVALID', text);
  }
  const leaving = new AbortController();
  reply.raw.once('close', () => leaving.abort());
  const { every: _every, ...query } = range;
  const queries = metrics.map((metric) => ({ ...query, deviceId, metric }));
  const caller = partyOf(request.principal, request.address);
  const answered = await history.questions.ask(caller, queries, leaving.signal);
  if (!answered.ok) throw REFUSALS[answered.failure]();
  const series = endTogether(answered.value.map((found, index) => ({ metric: metrics[index]!, found })));
  // What is there of a device that the hub has forgotten is told all the same.
  if (series.every(({ found }) => found.times.length === 0)) findDevice(hub, deviceId);
  const isCsv = wish.format === 'csv' || (wish.format === undefined && asksForCsv(request.headers.accept));
  const type = isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/json; charset=utf-8';
  reply.type(type).headers(headersOf(series, range, request));
  return reply.send((isCsv ? writeHistoryCsv : writeJson)({ deviceId, range, series }));
}

/** What CSV has no place for. */
function headersOf(
  series: FoundHistory['series'],
  { to }: HistoryRange,
  { query }: FastifyRequest,
): Record<string, string> {
  const resolution = resolutionOf(series);
  const next = series[0]?.found.next;
  const page = next !== undefined && { ...(query as object), from: showTime(next), to: showTime(to) };
  return {
    ...(resolution !== null && { 'recado-resolution': resolution }),
    // Below a proxy the path may be another one: it is as it was.
    ...(page !== false && { link: `<?${new URLSearchParams(page).toString()}>; rel="next"` }),
  };
}

function asksForCsv(accept = ''): boolean {
  return accept.includes('text/csv') && !accept.includes('json');
}
