import { Type, type Static } from '../config/type.ts';
import { collectKeys } from '../config/config-keys.ts';
import { bytes, count } from '../config/leaf.ts';
import type { ConfigDefinition, Contradiction } from '../config/load-config.ts';
import {
  broker,
  findAnswerLoop,
  httpCall,
  mapping,
  ANSWER_WORDS,
  shareName,
  shutdownTimeoutMs,
  timeoutMs,
  topicName,
} from './route-leaf.ts';

/** A route of agent.yaml: a question on one topic becomes an HTTP call, and its answer the answer on another topic. */
const route = Type.Object(
  {
    request: topicName('The topic on which questions come.'),
    response: topicName('The topic for the answers.'),
    call: httpCall('Method and address, as POST http://localhost:5001/ping.'),
    timeoutMs: timeoutMs(5000, 'How long the service may take.'),
    reply: mapping(ANSWER_WORDS, 'What is answered; default: what the service answered.'),
  },
  { additionalProperties: false },
);

const limits = Type.Object(
  {
    maxInFlight: count({ default: 64, description: 'Most calls at once.' }),
    maxQueued: count({ default: 1000, description: 'Most questions that wait for one.' }),
    maxRequestBytes: bytes({ default: 1_048_576, description: 'Largest question.' }),
    maxAnswerBytes: bytes({ default: 1_048_576, description: 'Largest body of what a service answers.' }),
  },
  { additionalProperties: false },
);

const BridgeCallerSchema = Type.Object(
  {
    broker: broker(),
    group: Type.Optional(shareName('Agents of one group share the questions.')),
    routes: Type.Array(route, { minItems: 1, maxItems: 1000 }),
    limits,
    shutdownTimeoutMs: shutdownTimeoutMs(),
  },
  { additionalProperties: false },
);

export type BridgeCallerRoute = Static<typeof route>;
export type BridgeCallerLimits = Static<typeof limits>;
/** agent.yaml, every key present and checked. */
type BridgeCallerConfig = Static<typeof BridgeCallerSchema>;

/** What `recado agent --config` can be told. */
export const BRIDGE_CALLER_CONFIG: ConfigDefinition<BridgeCallerConfig> = {
  schema: BridgeCallerSchema,
  variables: collectKeys(BridgeCallerSchema).filter(({ path }) => path === 'broker'),
  findContradictions: ({ routes }) =>
    routes.flatMap((each, index) => findRouteMistakes(each.request, index, routes)),
};

function findRouteMistakes(
  request: string,
  index: number,
  routes: readonly BridgeCallerRoute[],
): Contradiction[] {
  const mistakes = findAnswerLoop(routes, index);
  const first = routes.findIndex((each) => each.request === request);
  if (first === index) return mistakes;
  const message = `is the topic of routes[${first}] too; each question would be answered twice`;
  return [...mistakes, { paths: [`routes[${index}].request`], message }];
}
