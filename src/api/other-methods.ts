import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import { problemOf, sendProblem } from './problems.ts';

type Address = { readonly methods: readonly string[]; readonly pattern: RegExp };

/**
 * Answers what no route takes: 405 where the address has other methods, 404 elsewhere, and OPTIONS with those that
 * there are. Call it before routes are added.
 *
 * @param place - a sentence that says where to look for what there is
 */
export function answerOtherMethods(app: FastifyInstance, place: string): void {
  const addresses: Address[] = [];
  app.addHook('onRoute', (route) => {
    const { method, url, onRequest = [], config } = route;
    if (config?.isForBrowsers !== true) addresses.push({ methods: [method].flat(), pattern: patternOf(url) });
    if (url.includes('/:')) route.onRequest = [refuseEmptyNames, ...[onRequest].flat()];
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*$/s, '');
    const found = path === '*' ? addresses : addresses.filter(({ pattern }) => pattern.test(path));
    const methods = new Set(found.flatMap((address) => address.methods));
    const asked = `${request.method} ${request.url.slice(0, 200)}`;
    if (methods.size === 0)
      return sendProblem(reply, problemOf('ROUTE_UNKNOWN', `Nothing answers ${asked}. ${place}`));
    const allow = [...methods.add('OPTIONS')].join(', ');
    reply.header('allow', allow);
    if (request.method === 'OPTIONS') return reply.code(204).send();
    const detail = `Nothing answers ${asked}, but this address has: ${allow}. ${place}`;
    return sendProblem(reply, problemOf('METHOD_NOT_ALLOWED', detail));
  });
}

/** To the router a name in a path may be of no characters: such an address is none of the route's. */
const refuseEmptyNames: onRequestHookHandler = (request, reply, done) => {
  const params = request.params as Readonly<Record<string, string>>;
  for (const name in params) {
    if (params[name] !== '' || name === '*') continue;
    reply.callNotFound();
    return;
  }
  done();
};

/** `/devices/:deviceId` → what its addresses look like. */
function patternOf(url: string): RegExp {
  const text = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+');
  return new RegExp(`^${text.replaceAll('\\*', '.*')}$`, 's');
}
