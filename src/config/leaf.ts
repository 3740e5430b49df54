import { LOOPBACK_NETWORKS } from '../base/networks.ts';
import { Type } from './type.ts';

/* The kinds of keys that several sections have, in the words of JSON Schema and those of config-keys.ts. */

const MAX_TIME_MS = 3_600_000;
/** As long as a timer can be set: 24 days. */
const MAX_TIMER_MS = 2_147_483_647;
const MAX_SIZE_BYTES = 1_073_741_824;
const MAX_COUNT = 1_000_000;

/** Long enough that it cannot be guessed over the network; RFC 6750 section 2.1 names the characters. */
export const TOKEN = {
  minLength: 16,
  maxLength: 512,
  pattern: '^[A-Za-z0-9._~+/=-]+$',
  format: 'token',
  expected: '16 to 512 characters out of A-Z a-z 0-9 . _ ~ + / = -',
};

type LeafText = { readonly default: number; readonly description: string };

export const port = (leaf: LeafText) => Type.Integer({ minimum: 0, maximum: 65_535, ...leaf });
export const ms = (leaf: LeafText) =>
  Type.Integer({ minimum: 10, maximum: MAX_TIME_MS, unit: 'ms', ...leaf });
/** What may take days. */
export const longMs = (leaf: LeafText) =>
  Type.Integer({ minimum: 10, maximum: MAX_TIMER_MS, unit: 'ms', ...leaf });
export const bytes = (leaf: LeafText) =>
  Type.Integer({ minimum: 256, maximum: MAX_SIZE_BYTES, unit: 'bytes', ...leaf });
export const count = (leaf: LeafText) => Type.Integer({ minimum: 1, maximum: MAX_COUNT, ...leaf });

export const host = (description: string) =>
  Type.String({ minLength: 1, maxLength: 253, format: 'host', default: '127.0.0.1', description });

export const networks = (description: string, byDefault: readonly string[] = LOOPBACK_NETWORKS) =>
  Type.Array(Type.String({ format: 'network', maxLength: 64 }), {
    maxItems: 1000,
    default: [...byDefault],
    description,
  });

/** Of a section `tls`: the files of its listener. @param whose - `the hub` */
export const identityFiles = (whose: string) => ({
  certFile: file(`The certificate of ${whose} in PEM, with those between it and the authority behind it.`),
  keyFile: file('Its private key in PEM, not encrypted.'),
});

/** The name of a file, from the folder of the configuration on; empty for none. */
export const file = (description: string) =>
  Type.String({
    maxLength: 4096,
    isFileName: true,
    expected: 'the name of a file, or empty',
    default: '',
    description,
  });
