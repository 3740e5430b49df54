import { Type } from '../../../config/type.ts';
import { DEFAULT_SERVICE_LIMITS } from '../../../services/options.ts';
import { bytes, count, ms } from '../../../config/leaf.ts';
import { DEFAULT_TOPIC_PREFIX } from '../../../services/wire/service-topics.ts';

const SERVICE_NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';
/** Not `localhost`, and not digits alone at the end, as addresses have. */
const HOST_NAME =
  '^(?![Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]$)(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\\.)*' +
  '[A-Za-z_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$';
const MAX_BODY_BYTES = 1_099_511_627_776;

const defaults = DEFAULT_SERVICE_LIMITS;

export const services = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description: 'Whether HTTP services are reached through the hub.',
    }),
    topicPrefix: Type.String({
      pattern: '^[^$/#+\\s][^#+\\s]*[^/#+\\s]$',
      maxLength: 200,
      expected: 'a topic without + and #, as recado/services',
      default: DEFAULT_TOPIC_PREFIX,
      description: 'The topics of services begin with it; their agents must be told the same.',
    }),
    agents: Type.Record(
      Type.String({ pattern: '^[^\\u0000-\\u001f]{1,256}$' }),
      Type.Array(
        Type.String({
          pattern: `^(?:\\*|${SERVICE_NAME.slice(1, -1)})$`,
          expected: 'the name of a service, as billing, or *',
        }),
        {
          maxItems: 1000,
        },
      ),
      {
        additionalProperties: false,
        maxProperties: 10_000,
        default: {},
        mapOf: 'user name to a list of services',
        description:
          'Which MQTT users may offer which services; `*` is any. Without it, clients of this machine may offer any, ' +
          'and others none; with `mqtt.passwordFile`, only those that need no password. Needs proven user names: `mqtt.passwordFile` or `mqtt.tls.certificateNames`. In the ' +
          'variable the services of a user are apart by spaces.',
      },
    ),
    hosts: Type.Record(
      Type.String({ pattern: HOST_NAME }),
      Type.String({ pattern: SERVICE_NAME, expected: 'the name of a service, as billing' }),
      {
        additionalProperties: false,
        maxProperties: 1000,
        default: {},
        mapOf: 'host name to service',
        nameOf: 'a host name, as billing.example; addresses and localhost are the hub itself',
        description:
          'Host names that lead to a service, whole: `{billing.example: billing}`. A web application works best so; its ' +
          'pages then have an origin of their own.',
      },
    ),
    sameOrigin: Type.Boolean({
      default: false,
      description:
        "Let pages below `/services/…` have the hub's own origin also where tokens or passwords are set: their scripts may " +
        'then do there whatever the person may who looks at them.',
    }),
    maxRequestBytes: Type.Integer({
      minimum: 0,
      maximum: MAX_BODY_BYTES,
      unit: 'bytes',
      default: defaults.maxRequestBytes,
      description: 'Largest body of a request.',
    }),
    maxInFlightPerService: count({
      default: defaults.maxInFlightPerService,
      description: 'Most requests of one service at once.',
    }),
    timeoutMs: ms({
      default: defaults.timeoutMs,
      description: 'Time for an answer to begin, once the request is sent.',
    }),
    idleTimeoutMs: ms({
      default: defaults.idleTimeoutMs,
      description: 'How long a body may stand still, either way.',
    }),
    maxHeadBytes: bytes({
      default: defaults.maxHeadBytes,
      description: 'Largest head of a request or an answer, as JSON.',
    }),
    initialCreditBytes: bytes({
      default: defaults.initialCreditBytes,
      description: 'Bytes of an answer that may be on their way before its caller has taken any.',
    }),
    chunkBytes: bytes({
      default: defaults.chunkBytes,
      description: 'Largest piece of a body in one MQTT message.',
    }),
    maxLinkBytes: bytes({
      default: defaults.maxLinkBytes,
      description:
        'Bytes of all requests on their way to one agent that it has not told to have come; 256 KiB at least.',
    }),
    maxKeptBytes: bytes({
      default: defaults.maxKeptBytes,
      description: 'Largest body that is kept, to be sent to another agent when one is lost.',
    }),
    maxServices: count({ default: defaults.maxServices, description: 'Most services.' }),
    maxAgentsPerService: count({
      default: defaults.maxAgentsPerService,
      description: 'Most agents of one service.',
    }),
  },
  { additionalProperties: false, description: 'HTTP services that agents bring over MQTT.' },
);
