import { isJsonObject } from '../../../base/json.ts';
import type { MetricValue } from '../../../devices/reading.ts';

/** What one datagram of a plain device says. */
export type PlainReading =
  | { readonly valid: true; readonly values: Readonly<Record<string, unknown>> }
  | { readonly valid: false; readonly reason: string };

export const VALID = 'Válido';
const REASON = 'Justificativa';

/** Reads the dictionary of a datagram; undefined when it is none. `values` still holds `Válido`: see `withoutValid`. */
export function readPlainDatagram(value: unknown): PlainReading | undefined {
  if (!isJsonObject(value)) return undefined;
  if (value[VALID] === false) {
    const reason = value[REASON];
    return {
      valid: false,
      reason: typeof reason === 'string' ? reason : 'O dispositivo não tem dados válidos',
    };
  }
  return { valid: true, values: value };
}

/** The values alone, for an answer. Made only when somebody waits for one: most datagrams nobody waits for. */
export function withoutValid(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { [VALID]: _, ...rest } = values;
  return rest;
}

export type Quantity = { readonly value: MetricValue; readonly unit: string | undefined };

/** A number of at most 15 digits (what a double holds exactly) without leading zeros, then perhaps a unit. */
const NUMBER_AND_UNIT = /^([+-]?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?)\s?([%°ºµμΩ\p{L}][^\s\d]{0,15})?$/u;

/** `25°C` → 25 and `°C`; what is no quantity stays the text that it is. */
export function readQuantity(value: unknown): Quantity {
  if (typeof value === 'number' || typeof value === 'boolean') return { value, unit: undefined };
  if (typeof value !== 'string') return { value: JSON.stringify(value), unit: undefined };
  const match = NUMBER_AND_UNIT.exec(value);
  return match === null ? { value, unit: undefined } : { value: Number(match[1]), unit: match[2] };
}
