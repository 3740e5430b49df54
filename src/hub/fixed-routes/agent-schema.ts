import { Type } from 'typebox';
import {
  DEFAULT_AGENT_ROUTE_LIMITS,
  DEFAULT_CALL_TIMEOUT_MS,
  type AgentRoute,
  type AgentRouteLimits,
} from '../../fixed-routes/route-definitions.ts';
import { bytes, count } from '../config/sections/leaf.ts';
import { broker, httpCall, mapping, shutdownTimeoutMs, timeoutMs, topicName } from './fixed-routes-leaf.ts';

const { maxInFlight, maxQueued, maxRequestBytes, maxAnswerBytes } = DEFAULT_AGENT_ROUTE_LIMITS;

const route = Type.Object(
  {
    request: topicName({ description: 'The topic on which questions come.' }),
    response: topicName({ description: 'The topic for the answers.' }),
    call: httpCall({ description: 'Method and address, as POST http://localhost:5001/ping.' }),
    timeoutMs: timeoutMs(DEFAULT_CALL_TIMEOUT_MS, 'How long the service may take.'),
    reply: mapping('reply-mapping', { description: 'What is answered; default: what the service answered.' }),
  },
  { additionalProperties: false },
);

/** agent.yaml: keys, defaults and bounds. */
export const AgentSchema = Type.Object(
  {
    broker: broker(),
    group: Type.Optional(
      Type.String({ format: 'share-name', description: 'Agents of one group share the questions.' }),
    ),
    routes: Type.Array(route, { minItems: 1, maxItems: 1000 }),
    limits: Type.Object(
      {
        maxInFlight: count({ default: maxInFlight, description: 'Most calls at once.' }),
        maxQueued: count({ default: maxQueued, description: 'Most questions that wait for one.' }),
        maxRequestBytes: bytes({ default: maxRequestBytes, description: 'Largest question.' }),
        maxAnswerBytes: bytes({ default: maxAnswerBytes, description: 'Largest answer of a service.' }),
      },
      { additionalProperties: false },
    ),
    shutdownTimeoutMs: shutdownTimeoutMs(),
  },
  { additionalProperties: false },
);

/** An agent of fixed routes, every key present and checked. */
export type AgentConfig = {
  readonly broker: string;
  readonly group?: string;
  readonly routes: readonly AgentRoute[];
  readonly limits: AgentRouteLimits;
  readonly shutdownTimeoutMs: number;
};
