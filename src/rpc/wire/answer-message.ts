import { RecadoError } from '../../base/errors.ts';
import type { MessageProperties } from '../../bus/bus.ts';
import { AnswerError } from './answer-error.ts';
import { TRACE_PROPERTY } from './request-message.ts';

export type AnswerContent =
  | Uint8Array
  | string
  | { readonly payload: Uint8Array | string; readonly properties?: MessageProperties };

export type AnswerParts = { readonly payload: Uint8Array; readonly properties: MessageProperties };

/** What of a request its answer carries. */
type Asked = {
  readonly correlationData: Uint8Array | undefined;
  readonly traceparent: string | undefined;
  /** What is left of the caller's time; an answer that comes after it is of no use. Undefined: it never expires. */
  readonly expiresInMs: number | undefined;
};

export function answerOf(content: AnswerContent, asked: Asked): AnswerParts {
  const { payload, properties = {} } =
    typeof content === 'object' && 'payload' in content ? content : { payload: content };
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  return { payload: bytes, properties: propertiesOf(asked, properties, []) };
}

/** What an answer tells of an error. */
type ToldError = Pick<AnswerError, 'code' | 'message' | 'status'>;

/** `{"error": {"code", "message"}}`, with the user properties `status` and `error`. */
export function errorAnswerOf(error: ToldError, asked: Asked): AnswerParts {
  const { code, message, status } = error;
  const own = [
    ['status', String(status)],
    ['error', code],
  ] as const;
  return {
    payload: Buffer.from(JSON.stringify({ error: { code, message, status } })),
    properties: propertiesOf(asked, { contentType: 'application/json' }, own),
  };
}

/** What the caller is told of an error; undefined when it is none of its business. */
export function tellableError(error: unknown): ToldError | undefined {
  return error instanceof AnswerError || error instanceof RecadoError ? error : undefined;
}

function propertiesOf(
  { correlationData, traceparent, expiresInMs }: Asked,
  given: MessageProperties,
  own: readonly (readonly [string, string])[],
): MessageProperties {
  const userProperties = [...own, ...(given.userProperties ?? [])];
  if (traceparent !== undefined && !userProperties.some(([name]) => name === TRACE_PROPERTY))
    userProperties.push([TRACE_PROPERTY, traceparent]);
  return {
    ...(expiresInMs !== undefined && { messageExpiryInterval: Math.max(1, Math.ceil(expiresInMs / 1000)) }),
    ...given,
    ...(correlationData !== undefined && { correlationData }),
    ...(userProperties.length > 0 && { userProperties }),
  };
}
