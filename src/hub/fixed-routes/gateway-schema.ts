import { Type } from 'typebox';
import {
  DEFAULT_GATEWAY_LIMITS,
  DEFAULT_GATEWAY_TIMEOUT_MS,
  type GatewayLimits,
  type GatewayRoute,
} from '../../fixed-routes/route-definitions.ts';
import { http } from '../config/sections/http.ts';
import { bytes, count, port } from '../config/sections/leaf.ts';
import { broker, httpRoute, mapping, shutdownTimeoutMs, timeoutMs, topicName } from './fixed-routes-leaf.ts';

const { maxInFlight, maxQueued, maxAnswerBytes, quarantineMs } = DEFAULT_GATEWAY_LIMITS;

const route = Type.Object(
  {
    route: httpRoute({ description: 'Method and path, as GET /ping or POST /rooms/:id.' }),
    request: topicName({ description: 'The topic that is asked on.' }),
    response: topicName({ description: 'The topic on which all answers come.' }),
    payload: mapping('payload-mapping', { description: 'What is asked; default: the body, else the query.' }),
    timeoutMs: timeoutMs(DEFAULT_GATEWAY_TIMEOUT_MS, 'How long a caller waits for the answer.'),
    reply: mapping('reply-mapping', { description: 'What the caller gets; default: the answer.' }),
  },
  { additionalProperties: false },
);

/** gateway.yaml: keys, defaults and bounds. */
export const GatewaySchema = Type.Object(
  {
    http: Type.Object(
      {
        ...http.properties,
        port: port({ default: 5000, description: 'Port of the gateway; 0 takes any free port.' }),
      },
      { additionalProperties: false },
    ),
    broker: broker(),
    routes: Type.Array(route, { minItems: 1, maxItems: 1000 }),
    limits: Type.Object(
      {
        maxInFlight: count({ default: maxInFlight, description: 'Most callers without an answer.' }),
        maxQueued: count({
          default: maxQueued,
          description: 'Most callers that wait for one response topic.',
        }),
        maxAnswerBytes: bytes({ default: maxAnswerBytes, description: 'Largest answer.' }),
        quarantineMs: timeoutMs(
          quarantineMs,
          'A response topic without ids is asked nothing more for so long after an answer did not come.',
        ),
      },
      { additionalProperties: false },
    ),
    shutdownTimeoutMs: shutdownTimeoutMs(),
    insecure: Type.Boolean({ default: false, description: 'Start even where strangers could come in.' }),
  },
  { additionalProperties: false },
);

/** A gateway, every key present and checked. */
export type GatewayConfig = {
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly tokens: readonly string[];
    readonly hostNames: readonly string[];
    readonly trustedNetworks: readonly string[];
    readonly maxBodyBytes: number;
  };
  readonly broker: string;
  readonly routes: readonly GatewayRoute[];
  readonly limits: GatewayLimits;
  readonly shutdownTimeoutMs: number;
  readonly insecure: boolean;
};
