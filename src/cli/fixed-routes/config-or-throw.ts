import { RecadoError } from '../../base/errors.ts';
import { formatMistake } from '../../hub/config/setting.ts';
import type { RoutesReading } from '../../hub/fixed-routes/load-fixed-routes.ts';

/**
 * @param program - what does not start: `the gateway`
 * @throws {RecadoError} `CONFIG_INVALID` with a line for each mistake
 */
export function configOrThrow<T>(reading: RoutesReading<T>, program: string): T {
  if (reading.ok) return reading.config;
  const lines = reading.mistakes.map((mistake) => `\n  ${formatMistake(mistake)}`);
  const text = `${program} did not start, because its configuration is wrong:${lines.join('')}`;
  throw new RecadoError('CONFIG_INVALID', text);
}
