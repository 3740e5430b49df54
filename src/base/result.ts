/**
 * How something ended that may end unhappily: what came of it, or the failure. An expected unhappy end is a value
 * of this shape and never thrown; what nobody can expect is thrown.
 */
export type Result<T, F> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: F };

/** The happy end of a `Result`. */
export function succeed<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** The unhappy end of a `Result`. */
export function fail<F>(failure: F): { readonly ok: false; readonly failure: F } {
  return { ok: false, failure };
}
