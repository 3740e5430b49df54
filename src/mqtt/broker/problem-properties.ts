import { sayable } from './connection/end-connection.ts';
import type { Connection } from './connection/connection.ts';

/** Of the words in one packet: beyond it they would not be read. */
const MAX_REASON_CHARACTERS = 1000;

/** A Reason String for what was refused, for a client that wants to know [MQTT-3.1.2-29]. */
export function problemProperties(
  { version, wantsProblemInformation }: Connection,
  reasons: readonly string[],
): { readonly reasonString?: string | undefined } {
  if (reasons.length === 0 || version !== 5 || !wantsProblemInformation) return {};
  const text = reasons.join('; ');
  const isLong = text.length > MAX_REASON_CHARACTERS;
  return { reasonString: sayable(isLong ? `${text.slice(0, MAX_REASON_CHARACTERS).toWellFormed()}…` : text) };
}
