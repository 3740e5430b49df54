import { language } from './settings.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const STEP = 1024;

/** A size as people say it: `12 B`, `1.5 MiB`. */
export function sayBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= STEP && unit < UNITS.length - 1) {
    size /= STEP;
    unit++;
  }
  const digits = { maximumFractionDigits: size < 10 && unit > 0 ? 1 : 0 };
  return `${size.toLocaleString(language.value, digits)} ${UNITS[unit]}`;
}
