import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { request } from 'node:http';
import { before, describe, it } from 'node:test';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { ROLES, type AssignableRole, type Scope, type Verb } from '../../src/accounts/permissions.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';

const ROOT = 'a-token-of-the-configuration';
const MINE = 'lamp';
const OTHERS = 'pump';
const TOPICS = 'topics';

/** `open`: everybody; `any`: whoever may come in; else what the role has to permit, with what the address names. */
type Rule = Verb | 'open' | 'any' | `${'read' | 'command'} ${typeof TOPICS}`;

/** Every route of a hub. One that is new fails the test until it is said here who may have it. */
const RULES: Readonly<Record<string, Rule>> = {
  'GET /healthz': 'open',
  'GET /readyz': 'open',
  'GET /setup/:code': 'open',
  'POST /setup/:code': 'open',
  'POST /api/v1/session': 'open',
  'DELETE /api/v1/session': 'open',
  'GET /api/v1/session': 'any',
  'GET /api/v1/health': 'any',
  'GET /api/v1/hub': 'read',
  'GET /openapi.json': 'any',
  'HEAD /': 'any',
  'GET /metrics': 'read',
  'GET /api/v1/tokens': 'administer',
  'POST /api/v1/tokens': 'administer',
  'DELETE /api/v1/tokens/:tokenId': 'administer',
  'GET /api/v1/users': 'administer',
  'POST /api/v1/users': 'administer',
  'GET /api/v1/users/:name': 'administer',
  // Everybody may change the own password: what this test asks for is more than that.
  'PATCH /api/v1/users/:name': 'administer',
  'DELETE /api/v1/users/:name': 'administer',
  'GET /api/v1/audit': 'administer',
  'GET /api/v1/broker/clients': 'read',
  'GET /api/v1/broker/sessions': 'read',
  'GET /api/v1/broker/clients/:client': 'read',
  'GET /api/v1/broker/sessions/:client': 'read',
  'DELETE /api/v1/broker/clients/:client': 'manage',
  'DELETE /api/v1/broker/sessions/:client': 'manage',
  'GET /api/v1/webhooks': 'manage',
  'POST /api/v1/webhooks': 'manage',
  'GET /api/v1/webhooks/:webhookId': 'manage',
  'PATCH /api/v1/webhooks/:webhookId': 'manage',
  'DELETE /api/v1/webhooks/:webhookId': 'manage',
  // What somebody may not read is left out of these.
  'GET /metrics/devices': 'any',
  'GET /openapi/devices.json': 'any',
  'GET /devices': 'any',
  'GET /devices/': 'any',
  'GET /api/v1/devices': 'any',
  'GET /api/v1/invocations': 'any',
  'GET /api/v1/invocations/:invocationId': 'any',
  'DELETE /api/v1/invocations/:invocationId': 'any',
  'GET /api/v1/events': 'any',
  'GET /api/v1/topics': 'read topics',
  'GET /api/v1/topics/*': 'read topics',
  'PUT /api/v1/topics/*': 'command topics',
  'POST /api/v1/topics/*': 'command topics',
  'DELETE /api/v1/topics/*': 'command topics',
  'POST /api/v1/commands': 'any',
  'GET /api/v1/commands/:bulkId': 'any',
  'DELETE /api/v1/commands/:bulkId': 'any',
  'POST /api/v1/tickets': 'any',
  'GET /api/v1/services': 'any',
  'GET /.well-known/wot': 'open',
  'GET /things': 'any',
  'GET /events': 'any',
  'GET /events/:type': 'any',
  'GET /things/:deviceId': 'read',
  'GET /things/:deviceId/properties/:metric': 'read',
  'GET /things/:deviceId/properties/:metric/observe': 'read',
  'GET /things/:deviceId/events/:eventName': 'read',
  'POST /things/:deviceId/actions/:commandName': 'command',
  'GET /devices/:deviceId/commands/description': 'read',
  'GET /devices/:deviceId/commands/:number': 'command',
  'POST /devices/:deviceId/commands/:number': 'command',
  'PATCH /devices/:deviceId/commands/:number/*': 'command',
  'GET /api/v1/devices/:deviceId': 'read',
  'PATCH /api/v1/devices/:deviceId': 'manage',
  'DELETE /api/v1/devices/:deviceId': 'manage',
  'GET /api/v1/devices/:deviceId/commands': 'read',
  'POST /api/v1/devices/:deviceId/commands/:commandName': 'command',
  'GET /api/v1/devices/:deviceId/telemetry': 'read',
  'GET /api/v1/devices/:deviceId/telemetry/:metric': 'read',
};

/** Written anew here: what the source says is what is tried. */
const VERBS_OF: Readonly<Record<AssignableRole, readonly Verb[]>> = {
  viewer: ['read'],
  operator: ['read', 'command'],
  admin: ['read', 'command', 'manage', 'connect', 'serve', 'administer'],
  device: ['connect'],
  agent: ['serve'],
};

type Asker = {
  readonly name: string;
  readonly headers: Record<string, string>;
  /** @param target - `lamp`, `billing`; undefined for the hub itself */
  readonly may: (verb: Verb, target?: string) => boolean;
};

type Route = { readonly method: string; readonly url: string };

/** What is asked for, and the answer's status: the head says it, and some bodies have no end. */
function statusOf(hub: TestHub, { method, url }: Route, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const hasBody = !['GET', 'HEAD', 'OPTIONS', 'DELETE'].includes(method);
    const body = hasBody ? '{}' : '';
    const more = hasBody ? { 'content-type': 'application/json', 'content-length': '2' } : {};
    const asked = request(hub.url + url, { method, headers: { ...headers, ...more }, agent: false });
    asked.on('error', reject).on('response', (response) => {
      resolve(response.statusCode!);
      response.destroy();
    });
    asked.end(body);
  });
}

const addressOf = (url: string, name: string): string =>
  url
    .replace('/services/:service', `/services/${name}/x`)
    .replace(/:deviceId/, name)
    .replace(/:\w+|\*/g, 'x');

describe('every route of the API, for everybody', () => {
  const routes: Route[] = [];
  before(() => {
    subscribe('fastify.initialization', (message) => {
      const { fastify } = message as { fastify: FastifyInstance };
      fastify.addHook('onRoute', ({ method, url }: RouteOptions) => {
        for (const each of [method].flat()) routes.push({ method: each, url });
      });
    });
  });

  const verbOf = ({ method, url }: Route): Rule | undefined => {
    if (url === '/services/:service') return ['GET', 'HEAD', 'OPTIONS'].includes(method) ? 'read' : 'command';
    return RULES[`${method} ${url}`] ?? (method === 'HEAD' ? RULES[`GET ${url}`] : undefined);
  };

  it('is permitted or refused as its role, its scopes and the address say', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = [ROOT];
      config.http.trustedNetworks = [];
      // Its pages are open to all, where they are built: test/console looks at them.
      config.console.enabled = false;
    });
    const known = routes.filter(({ url }) => url !== '*');
    assert.ok(known.length > 80);
    const unruled = known.filter((route) => verbOf(route) === undefined);
    assert.deepEqual(
      unruled.map(({ method, url }) => `${method} ${url}`),
      [],
    );
    const isThere = (rule: string): boolean => known.some(({ method, url }) => rule === `${method} ${url}`);
    assert.deepEqual(
      Object.keys(RULES).filter((rule) => !isThere(rule)),
      [],
    );

    const askers = await makeAskers(hub);
    for (const route of known) {
      const rule = verbOf(route)!;
      for (const { name, headers, may } of askers) {
        const [verb, topics] = rule.split(' ') as [Verb, string?];
        const targets = /:deviceId|:service/.test(route.url) ? [MINE, OTHERS] : [topics];
        for (const target of targets) {
          const asked = { method: route.method, url: addressOf(route.url, target ?? 'x') };
          const isPermitted = rule === 'open' || (name !== 'nobody' && (rule === 'any' || may(verb, target)));
          const status = await statusOf(hub, asked, headers);
          const refusal = name === 'nobody' ? 401 : 403;
          const what = `${asked.method} ${asked.url} for ${name}: ${status}`;
          if (isPermitted) assert.ok(status !== 401 && status !== 403, what);
          else assert.equal(status, refusal, what);
        }
      }
    }
  });
});

async function makeAskers(hub: TestHub): Promise<Asker[]> {
  const { tokens } = hub.server.hub.accounts;
  const make = async (
    name: string,
    role: AssignableRole,
    scopes: Scope[],
    may: Asker['may'],
  ): Promise<Asker> => {
    const made = await tokens.create({ name, roles: [role], scopes });
    assert.ok(made.ok);
    return { name, headers: { authorization: `Bearer ${made.value.text}` }, may };
  };
  const askers: Asker[] = [
    { name: 'nobody', headers: {}, may: () => false },
    { name: 'a token of the configuration', headers: { authorization: `Bearer ${ROOT}` }, may: () => true },
  ];
  for (const role of ROLES) {
    const verbs = VERBS_OF[role];
    askers.push(
      await make(role, role, [], (verb) => verbs.includes(verb)),
      await make(
        `${role} of ${MINE}`,
        role,
        [{ devices: [MINE], services: [MINE] }],
        (verb, target) => verbs.includes(verb) && target === MINE,
      ),
      await make(
        `${role} who only reads`,
        role,
        [{ verbs: ['read'] }],
        (verb) => verb === 'read' && verbs.includes(verb),
      ),
      await make(
        `${role} of all topics`,
        role,
        [{ topics: ['#'] }],
        (verb, target) => verbs.includes(verb) && target === TOPICS,
      ),
      await make(`${role} of a tag`, role, [{ tags: ['hall'] }], () => false),
    );
  }
  return askers;
}
