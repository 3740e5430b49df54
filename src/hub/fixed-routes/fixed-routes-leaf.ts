import { Type } from 'typebox';

/*
 * The kinds of keys that gateway.yaml and agent.yaml have beside those of the hub's configuration. `format` says how
 * read-fixed-routes.ts reads the text.
 */

const MAX_TEXT_CHARACTERS = 65_535;
/** Longer than an answer is ever waited for. */
const MAX_TIME_MS = 3_600_000;

type LeafText = { readonly description: string };

export const topicName = (leaf: LeafText) =>
  Type.String({ maxLength: MAX_TEXT_CHARACTERS, format: 'topic-name', ...leaf });
export const httpRoute = (leaf: LeafText) => Type.String({ format: 'http-route', ...leaf });
export const httpCall = (leaf: LeafText) => Type.String({ format: 'http-call', ...leaf });
export const mapping = (format: 'payload-mapping' | 'reply-mapping', leaf: LeafText) =>
  Type.Optional(Type.Unknown({ format, ...leaf }));
export const broker = () =>
  Type.String({
    format: 'broker-url',
    secret: true,
    default: 'mqtt://localhost:1883',
    description: 'The MQTT broker, as mqtt://user:password@host:1883; also mqtts://, ws:// and wss://.',
  });
export const timeoutMs = (byDefault: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: MAX_TIME_MS, unit: 'ms', default: byDefault, description });
export const shutdownTimeoutMs = () =>
  timeoutMs(5000, 'Time for everything to close when the program is told to stop.');
