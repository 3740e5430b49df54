import { parseJsonObject } from '../base/json.ts';
import { styleText } from 'node:util';
import { escapeControls, escapeLine } from '../base/printable-text.ts';

type StyleName = Parameters<typeof styleText>[0];

const LEVEL_STYLES: Readonly<Record<string, StyleName>> = {
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
};

/**
 * Turns one JSON line of the log into one for people: `10:00:01.234 info  text key=value`, then the stack of an error.
 *
 * Nothing in it can look like another line, or reaches the terminal as anything but text.
 *
 * @param line - as pino writes it; what is no JSON is given back as it is
 */
export function formatPretty(line: string, options: { colors: boolean }): string {
  const paint = (style: StyleName, text: string): string =>
    options.colors ? styleText(style, text, { validateStream: false }) : text;
  const entry = parseJsonObject(line);
  if (entry === undefined) return line;
  const { time, level, msg, ...fields } = entry;
  const { stack } = (fields['err'] ?? {}) as { readonly stack?: unknown };
  if (typeof stack === 'string') delete fields['err'];
  const name = typeof level === 'string' ? level : 'info';
  const parts = [
    paint('gray', localTime(time)),
    paint(LEVEL_STYLES[name] ?? 'green', name.padEnd(5)),
    typeof msg === 'string' ? escapeLine(msg) : '',
    ...Object.entries(fields).map(([key, value]) => paint('gray', `${key}=${showValue(value)}`)),
  ];
  return `${parts.filter(Boolean).join(' ')}\n${typeof stack === 'string' ? indent(stack) : ''}`;
}

/** People at a terminal think in the time on their wall. */
function localTime(time: unknown): string {
  const date = new Date(typeof time === 'string' ? time : Number.NaN);
  if (Number.isNaN(date.getTime())) return '--:--:--.---';
  const two = (part: number): string => String(part).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

function showValue(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return escapeLine(isPlain ? value : JSON.stringify(value));
}

function indent(stack: string): string {
  return `${escapeControls(stack).replaceAll(/^/gm, '  ')}\n`;
}
