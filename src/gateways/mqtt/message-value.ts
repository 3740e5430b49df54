import { isDeeperThan } from '../../base/json.ts';
import type { BusMessage } from '../../bus/bus.ts';
import { fail, succeed, type Result } from '../../base/result.ts';

type ValueLimits = { readonly maxMessageBytes: number; readonly maxNestingDepth: number };

/** Why a message has no value: in words, after what it is. */
type ValueFault = { readonly isTooLarge: boolean; readonly why: string };

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** The value of a payload: JSON, or text where its content type says so; undefined for none. */
export function readMessageValue(
  { payload, properties: { contentType } }: Pick<BusMessage, 'payload' | 'properties'>,
  { maxMessageBytes, maxNestingDepth }: ValueLimits,
): Result<unknown, ValueFault> {
  if (payload.length > maxMessageBytes)
    return fail({ isTooLarge: true, why: `has more than ${maxMessageBytes} bytes` });
  if (payload.length === 0) return succeed(undefined);
  try {
    const text = UTF_8.decode(payload);
    if (isDeeperThan(text, maxNestingDepth))
      return fail({ isTooLarge: false, why: `is nested deeper than ${maxNestingDepth} levels` });
    return succeed(contentType?.startsWith('text/') === true ? text : (JSON.parse(text) as unknown));
  } catch {
    return fail({ isTooLarge: false, why: 'is not JSON in UTF-8' });
  }
}

/** The value of a user property; undefined when it is not there. */
export function userProperty(
  { properties }: Pick<BusMessage, 'properties'>,
  name: string,
): string | undefined {
  return properties.userProperties?.find(([key]) => key === name)?.[1];
}
