import type { BusMessage } from '../../bus/bus.ts';
import { fail, succeed, type Result } from '../../base/result.ts';

type ValueLimits = { readonly maxMessageBytes: number; readonly maxNestingDepth: number };

/** Why a message has no value: in words, after what it is. */
type ValueFault = { readonly isTooLarge: boolean; readonly why: string };

const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The value of a payload: JSON, or text where its content type says so; undefined for none. */
export function readMessageValue(
  { payload, properties: { contentType } }: Pick<BusMessage, 'payload' | 'properties'>,
  { maxMessageBytes, maxNestingDepth }: ValueLimits,
): Result<unknown, ValueFault> {
  if (payload.length > maxMessageBytes)
    return fail({ isTooLarge: true, why: `has more than ${maxMessageBytes} bytes` });
  if (payload.length === 0) return succeed(undefined);
  // What may be nested so deep has at least so many bytes.
  if (payload.length > maxNestingDepth && isDeeperThan(payload, maxNestingDepth))
    return fail({ isTooLarge: false, why: `is nested deeper than ${maxNestingDepth} levels` });
  try {
    const text = UTF_8.decode(payload);
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

function isDeeperThan(json: Uint8Array, most: number): boolean {
  let depth = 0;
  let isInText = false;
  for (let index = 0; index < json.length; index++) {
    const byte = json[index]!;
    if (isInText) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) {
      isInText = true;
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > most) return true;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
  return false;
}
