import pino from 'pino';
import type { Logger } from '../base/logger.ts';
import type { Config } from '../hub/config/config-schema.ts';
import { formatPretty } from './pretty-line.ts';

/** The hub's log, on standard error: JSON lines for machines, plain ones for people at a terminal. */
export function createHubLog(options: Config['log']): Logger {
  const stream = process.stderr;
  const pretty = options.format === 'pretty' || (options.format === 'auto' && stream.isTTY);
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  // Written at once: the hub logs seldom, and the last line before an end is the one that matters.
  const destination = pino.destination({ fd: stream.fd, sync: true });
  // A log that nobody reads any more must not end the hub.
  destination.on('error', () => {});
  if (!pretty) return pino(settings, destination);
  const colors = stream.isTTY && stream.hasColors();
  return pino(settings, { write: (line) => void destination.write(formatPretty(line, { colors })) });
}
