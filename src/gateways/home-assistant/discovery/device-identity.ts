import { createHash } from 'node:crypto';
import { isDeviceId } from '../../../devices/description.ts';
import { scalarText } from '../template/python-text.ts';
import { isList, type JsonMembers, type PythonValue } from '../template/python-value.ts';

const MAX_ID_CHARACTERS = 64;
const HASH_CHARACTERS = 8;
const MAX_IDENTITIES = 32;

/** What tells a device from others, the first being what it is called after; empty where its config has nothing. */
export function identitiesOf(device: JsonMembers | undefined): readonly string[] {
  if (device === undefined) return [];
  const { identifiers, connections } = device;
  const named = listOf(identifiers).map((identity) => scalarText(identity) ?? '');
  const connected = listOf(connections)
    .map((pair) => (isList(pair) ? pair.map((part) => scalarText(part) ?? '') : []))
    .filter((pair) => pair.length === 2 && !pair.includes(''))
    .map(([kind, value]) => `${kind} ${value}`);
  return [...named, ...connected].filter((identity) => identity !== '').slice(0, MAX_IDENTITIES);
}

function listOf(value: PythonValue): readonly PythonValue[] {
  if (isList(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

/**
 * The id of a device that is met for the first time.
 *
 * @param isTaken - whether another device has an id
 */
export function makeDeviceId(identity: string, isTaken: (id: string) => boolean): string {
  // Of a connection its value: `mac 02:5b:26:a8:dc:12`.
  const plain = identity
    .replace(/^\w+ (?=\S+$)/, '')
    .replaceAll(/[^A-Za-z0-9._:-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  if (isDeviceId(plain) && !isTaken(plain)) return plain;
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, HASH_CHARACTERS);
  return `${plain.slice(0, MAX_ID_CHARACTERS - HASH_CHARACTERS - 1)}-${hash}`.replace(/^-/, '');
}
