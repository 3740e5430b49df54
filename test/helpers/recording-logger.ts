import type { Logger } from '../../src/base/logger.ts';

export type RecordedLine = {
  readonly level: keyof Logger;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
};

/** A log that keeps what it is told. */
export function recordingLogger(): {
  readonly log: Logger & { readonly withheld: Map<string, number> };
  readonly lines: RecordedLine[];
} {
  const lines: RecordedLine[] = [];
  const writer =
    (level: keyof Logger) =>
    (fields: object, text: string): void =>
      void lines.push({ level, fields: fields as Record<string, unknown>, text });
  const log = { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') };
  return { log: { ...log, withheld: new Map() }, lines };
}
