import pino from 'pino';
import type { Logger } from '../base/logger.ts';
import { escapeControls } from '../base/printable-text.ts';
import type { Config } from '../hub/config/config-schema.ts';
import { StoreError } from '../store/store-state.ts';
import { BoundedOutput } from './bounded-output.ts';
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
    serializers: { err: showError },
  };
  const output = new BoundedOutput(stream, (lost) =>
    log.warn({ lost }, `lines of this log were lost, for want of a reader or of space: ${lost}`),
  );
  const colors = stream.isTTY && stream.hasColors();
  // pino leaves alone what JSON need not escape, and terminals obey.
  const format = (line: string): string => (pretty ? formatPretty(line, { colors }) : escapeControls(line));
  const lines = pino(settings, { write: (line) => output.write(format(line)) });
  const log = Object.assign(lines, { lost: () => output.lost, withheld: new Map<string, number>() });
  return log;
}

/** A fault of disk or file is expected: where in the program it came up helps nobody. */
function showError(error: unknown): unknown {
  if (!(error instanceof StoreError)) return pino.stdSerializers.err(error as Error);
  return { code: 'STORE_UNAVAILABLE', message: error.message };
}
