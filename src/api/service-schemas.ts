import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import { nullable } from './schemas.ts';

/* The shapes of services on the wire; those of all else are in schemas.ts. */

const RATE = { description: 'Over the last ten seconds' };

const ServiceAgentSchema = Type.Object(
  {
    agentId: Type.String(),
    description: nullable(Type.String()),
    isHealthy: Type.Boolean({ description: 'Whether its target answers' }),
    isLeaving: Type.Boolean({ description: 'It finishes what it has' }),
    inFlight: Type.Integer({ description: 'Requests that this hub has given it' }),
    maxInFlight: Type.Integer(),
  },
  { title: 'ServiceAgent' },
);
export type ServiceAgentResource = Static<typeof ServiceAgentSchema>;

const ServiceSchema = Type.Object(
  {
    name: Type.String(),
    status: Type.Enum(['available', 'target-down', 'no-agent']),
    inFlight: Type.Integer({ description: 'Requests in this hub' }),
    requestsPerSecond: Type.Number(RATE),
    failuresPerSecond: Type.Number(RATE),
    requests: Type.Integer({ description: 'Since the hub met the service, as are the other counts' }),
    failures: Type.Integer({ description: 'Answered by the hub itself, or cut off' }),
    retries: Type.Integer({ description: 'Sent again to another agent' }),
    cancelled: Type.Integer({ description: 'The caller left before the end' }),
    requestBytes: Type.Integer(),
    responseBytes: Type.Integer(),
    agents: Type.Array(ServiceAgentSchema),
  },
  { title: 'Service' },
);
export type ServiceResource = Static<typeof ServiceSchema>;

export const ServiceListSchema = Type.Object(
  { services: Type.Array(ServiceSchema) },
  { title: 'ServiceList' },
);
