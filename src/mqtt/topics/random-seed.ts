import { randomInt } from 'node:crypto';

/**
 * An odd 32-bit number that nobody outside can guess. Hashes of what clients send are made with it, so that no
 * client can choose topics that all fall into one place of a table.
 */
export function randomMultiplier(): number {
  return (randomInt(2 ** 31) * 2 + 1) | 0;
}
