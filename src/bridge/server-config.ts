import { Type, type Static } from '../config/type.ts';
import { collectKeys } from '../config/config-keys.ts';
import { findMissingFiles, findMissingProxies, httpListener } from '../config/http-listener.ts';
import { bytes, count } from '../config/leaf.ts';
import { isSet, type ConfigDefinition, type Contradiction } from '../config/load-config.ts';
import { DEFAULT_REQUESTER_LIMITS } from '../rpc/index.ts';
import { routeKey } from './http-route.ts';
import { findReferences } from './mapping.ts';
import {
  broker,
  findAnswerLoop,
  httpRoute,
  mapping,
  PAYLOAD_WORDS,
  ANSWER_WORDS,
  shutdownTimeoutMs,
  statusMapping,
  timeoutMs,
  topicName,
} from './route-leaf.ts';

const OWN_ROUTES: readonly string[] = ['GET /healthz', 'GET /readyz'];

/** A route of gateway.yaml: an HTTP request becomes a question on one topic, and the answer on another its answer. */
const route = Type.Object(
  {
    route: httpRoute('Method and path, as GET /ping or POST /rooms/:id.'),
    request: topicName('The topic that is asked on.'),
    response: topicName('The topic on which all answers come.'),
    payload: mapping(PAYLOAD_WORDS, 'What is asked; default: the body, else the query.'),
    timeoutMs: timeoutMs(3000, 'How long a caller waits for the answer.'),
    reply: mapping(ANSWER_WORDS, 'What the caller gets; default: the answer.'),
    status: statusMapping('The status that the caller gets; default: that of the answer, else 200.'),
    parallel: Type.Boolean({
      default: false,
      description: 'Whether all answers are known to carry Correlation Data (MQTT 5).',
    }),
  },
  { additionalProperties: false },
);

const limits = Type.Object(
  {
    maxInFlight: count({
      default: 1000,
      description: 'Most callers without an answer, those that wait for their turn included.',
    }),
    maxQueued: count({ default: 1000, description: 'Most callers that wait for one response topic.' }),
    maxAnswerBytes: bytes({ default: 1_048_576, description: 'Largest answer.' }),
    quarantineMs: timeoutMs(
      10_000,
      'A response topic without ids is asked nothing more for so long after an answer did not come.',
    ),
    settleMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      unit: 'ms',
      default: DEFAULT_REQUESTER_LIMITS.settleMs,
      description: 'A response topic without ids must be quiet for so long before the next question.',
    }),
  },
  { additionalProperties: false },
);

const BridgeServerSchema = Type.Object(
  {
    http: httpListener(5000, 'The HTTP server.'),
    broker: broker(),
    routes: Type.Array(route, { minItems: 1, maxItems: 1000 }),
    limits,
    shutdownTimeoutMs: shutdownTimeoutMs(),
    insecure: Type.Boolean({ default: false, description: 'Start even where strangers could come in.' }),
  },
  { additionalProperties: false },
);

export type BridgeServerRoute = Static<typeof route>;
export type BridgeServerLimits = Static<typeof limits>;
/** gateway.yaml, every key present and checked. */
export type BridgeServerConfig = Static<typeof BridgeServerSchema>;

/** What `recado gateway` can be told. */
export const BRIDGE_SERVER_CONFIG: ConfigDefinition<BridgeServerConfig> = {
  schema: BridgeServerSchema,
  variables: collectKeys(BridgeServerSchema).filter(({ path }) => path === 'broker'),
  completeValues: (values) => (isSet(values, 'http.tokens') ? { 'http.trustedNetworks': [] } : {}),
  findContradictions: ({ http, routes }) => {
    const keys = routes.map((each) => routeKey(each.route));
    return [
      ...findMissingFiles('http.tls', http.tls),
      ...findMissingProxies(http),
      ...routes.flatMap((each, index) => [
        ...findAnswerLoop(routes, index),
        ...findRouteMistakes(each, index, keys),
      ]),
    ];
  },
};

function findRouteMistakes(
  { route: wanted, payload }: BridgeServerRoute,
  index: number,
  keys: readonly string[],
): Contradiction[] {
  const path = `routes[${index}]`;
  const mistakes: Contradiction[] = [];
  const key = keys[index] ?? '';
  const first = keys.indexOf(key);
  const tellRoute = (message: string): void => void mistakes.push({ paths: [`${path}.route`], message });
  if (first < index) tellRoute(`is the same as routes[${first}]; keep one of them`);
  if (OWN_ROUTES.includes(key)) tellRoute('is one by which the gateway tells of itself; choose another path');
  if (payload === undefined && wanted.params.length > 0)
    tellRoute(`has :${wanted.params[0]}, and without a payload that holds it the question would not tell`);
  for (const { root, steps } of payload === undefined ? [] : findReferences(payload)) {
    const name = steps[0];
    if (root !== 'params' || name === undefined || wanted.params.includes(String(name))) continue;
    const message = `refers to $params.${name}, but the path of the route has no :${name}`;
    mistakes.push({ paths: [`${path}.payload`], message });
  }
  return mistakes;
}
