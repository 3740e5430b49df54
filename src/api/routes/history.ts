import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { readTime } from '../../base/read-time.ts';
import { Type } from '../../config/type.ts';
import { MAX_METRIC_NAME_CHARACTERS } from '../../devices/telemetry.ts';
import type { HistoryQuery, HistoryValues } from '../../devices/telemetry-store.ts';
import type { Hub } from '../../hub/hub.ts';
import { findDevice } from '../find-device.ts';
import {
  HistoryQuerySchema,
  HistorySchema,
  MAX_HISTORY_VALUES,
  type HistoryWish,
} from '../history-schemas.ts';
import { RequestRefused } from '../problems.ts';
import { showTime } from '../resources.ts';
import { DeviceId, PROBLEM_RESPONSE } from '../schemas.ts';

const DAY_MS = 86_400_000;
const DEFAULT_VALUES = 1000;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };

const metric = Type.String({ minLength: 1, maxLength: MAX_METRIC_NAME_CHARACTERS });

const HistoryRouteSchema = {
  operationId: 'getHistory',
  summary: 'What a metric was: each reading, or one value for each stretch of time',
  tags: ['telemetry'],
  params: Type.Object({ deviceId: DeviceId, metric }),
  querystring: HistoryQuerySchema,
  response: { 200: HistorySchema, ...PROBLEM_RESPONSE },
};

/** What devices reported before. */
export const historyRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/devices/:deviceId/telemetry/:metric', { schema: HistoryRouteSchema }, async (request, reply) => {
    const { history } = hub;
    if (history === undefined)
      throw new RequestRefused('ROUTE_UNKNOWN', 'This hub keeps no history (telemetry.enabled).');
    const wish = request.query;
    const query = readQuery(wish, request.params);
    const found = await history.store.read(query);
    if (found === undefined)
      throw new RequestRefused(
        'STORE_UNAVAILABLE',
        'The history cannot be read. The log of the hub says why.',
        {
          headers: { 'retry-after': '5' },
        },
      );
    // What is there of a device that the hub has forgotten is told all the same.
    if (found.times.length === 0) findDevice(hub, query.deviceId);
    const isCsv = wish.format === 'csv' || (wish.format === undefined && asksForCsv(request.headers.accept));
    const type = isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/json; charset=utf-8';
    const text = isCsv ? writeCsv(found) : writeJson(query, wish, found);
    // A text passes the serialisation by.
    return reply.type(type).send(text as never);
  });
};

/** Throws `REQUEST_INVALID` for what cannot be. */
function readQuery(wish: HistoryWish, params: { deviceId: string; metric: string }): HistoryQuery {
  const to = wish.to === undefined ? Date.now() : timeOf('to', wish.to);
  const from = wish.from === undefined ? to - DAY_MS : timeOf('from', wish.from);
  const { limit = DEFAULT_VALUES, every, fn } = wish;
  if (every === undefined) {
    if (fn !== undefined) throw refuse(`fn is ${fn} of nothing: say with every= over which stretches.`);
    return { ...params, from, to, limit, by: undefined };
  }
  const everyMs = readEvery(every);
  if ((to - from) / everyMs > MAX_HISTORY_VALUES) {
    const text = `every is ${every}, which from ${showTime(from)} to ${showTime(to)} makes more than ${MAX_HISTORY_VALUES} values.`;
    throw refuse(text);
  }
  return { ...params, from, to, limit, by: { everyMs, fn: fn ?? 'avg' } };
}

function timeOf(name: string, text: string): number {
  const time = readTime(text);
  if (time === undefined) throw refuse(`${name} is no time of RFC 3339, such as 2026-11-22T10:00:00Z.`);
  return time;
}

function readEvery(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const everyMs = Number(number) * (UNITS_MS[unit] ?? 0);
  if (everyMs > 0) return everyMs;
  throw refuse('every is a number with ms, s, m, h or d behind it: 1m, 15s.');
}

function refuse(text: string): RequestRefused {
  return new RequestRefused('REQUEST_INVALID', text);
}

function asksForCsv(accept = ''): boolean {
  return accept.includes('text/csv') && !accept.includes('json');
}

function writeCsv({ times, values }: HistoryValues): string {
  let text = 'time,value\r\n';
  for (let index = 0; index < times.length; index++)
    text += `${showTime(times[index]!)},${values[index]!}\r\n`;
  return text;
}

function writeJson(
  { deviceId, metric: name, from, to, by }: HistoryQuery,
  { every }: HistoryWish,
  found: HistoryValues,
): string {
  const { times, values, next } = found;
  let list = '';
  for (let index = 0; index < times.length; index++)
    list += `${index === 0 ? '' : ','}{"time":"${showTime(times[index]!)}","value":${values[index]!}}`;
  const asked = {
    deviceId,
    metric: name,
    from: showTime(from),
    to: showTime(to),
    every: every ?? null,
    fn: by?.fn ?? null,
  };
  const nextFrom = next === undefined ? 'null' : `"${showTime(next)}"`;
  return `${JSON.stringify(asked).slice(0, -1)},"values":[${list}],"nextFrom":${nextFrom}}`;
}
