import type { MessageProperties } from '../../bus/bus.ts';

/** User properties of requests: what is left of the caller's time, in ms, and the trace it belongs to (W3C). */
export const DEADLINE_PROPERTY = 'deadline-ms';
export const TRACE_PROPERTY = 'traceparent';

type Asking = {
  readonly fields: { readonly properties: MessageProperties; readonly traceparent: string | undefined };
  readonly deadlineMs: number;
};

/**
 * What a request carries over MQTT 5: it expires with its caller's time (whole seconds, rounded up), and says more
 * exactly how much of it is left.
 */
export function requestProperties(
  { fields, deadlineMs }: Asking,
  nowMs: number,
  own: { readonly responseTopic?: string; readonly correlationData?: Uint8Array },
): MessageProperties {
  const { properties, traceparent } = fields;
  const leftMs = Math.max(1, Math.ceil(deadlineMs - nowMs));
  const userProperties: (readonly [string, string])[] = [[DEADLINE_PROPERTY, String(leftMs)]];
  if (traceparent !== undefined) userProperties.push([TRACE_PROPERTY, traceparent]);
  if (properties.userProperties !== undefined) userProperties.push(...properties.userProperties);
  return { messageExpiryInterval: Math.ceil(leftMs / 1000), ...properties, ...own, userProperties };
}
