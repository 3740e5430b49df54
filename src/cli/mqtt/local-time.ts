type TimePart = (time: Date) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;

const pad = (value: number, width = 2, fill = '0'): string => String(value).padStart(width, fill);
const hour12 = (time: Date): number => time.getHours() % 12 || 12;
const dayOfYear = (time: Date): number =>
  Math.round(
    (Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) - Date.UTC(time.getFullYear(), 0, 1)) /
      DAY_MS,
  );
/** Of which the first begins with the first day `firstDay` of the year. */
const weekOfYear = (time: Date, firstDay: number): number =>
  Math.floor((dayOfYear(time) + 7 - ((time.getDay() - firstDay + 7) % 7)) / 7);

/** ISO 8601: the week belongs to the year in which its Thursday lies. */
function isoWeek(time: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(
    time.getFullYear(),
    time.getMonth(),
    time.getDate() + 3 - ((time.getDay() + 6) % 7),
  );
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}

function offset(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`;
}

function zoneName(time: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(time);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** By their letters in strftime(3), as it speaks in the locale C; and `N` for nanoseconds. */
const PARTS: Readonly<Record<string, TimePart>> = {
  a: (time) => DAYS[time.getDay()]!.slice(0, 3),
  A: (time) => DAYS[time.getDay()]!,
  b: (time) => MONTHS[time.getMonth()]!.slice(0, 3),
  B: (time) => MONTHS[time.getMonth()]!,
  c: compose('a b e T Y'),
  C: (time) => pad(Math.floor(time.getFullYear() / 100)),
  d: (time) => pad(time.getDate()),
  D: compose('m d y', '/'),
  e: (time) => pad(time.getDate(), 2, ' '),
  F: compose('Y m d', '-'),
  g: (time) => pad(isoWeek(time).year % 100),
  G: (time) => String(isoWeek(time).year),
  h: (time) => MONTHS[time.getMonth()]!.slice(0, 3),
  H: (time) => pad(time.getHours()),
  I: (time) => pad(hour12(time)),
  j: (time) => pad(dayOfYear(time) + 1, 3),
  k: (time) => pad(time.getHours(), 2, ' '),
  l: (time) => pad(hour12(time), 2, ' '),
  m: (time) => pad(time.getMonth() + 1),
  M: (time) => pad(time.getMinutes()),
  n: () => '\n',
  N: (time) => `${pad(time.getTime() % 1000, 3)}000000`,
  p: (time) => (time.getHours() < 12 ? 'AM' : 'PM'),
  P: (time) => (time.getHours() < 12 ? 'am' : 'pm'),
  r: (time) => `${compose('I M S', ':')(time)} ${formatTimePart('p', time)}`,
  R: compose('H M', ':'),
  s: (time) => String(Math.floor(time.getTime() / 1000)),
  S: (time) => pad(time.getSeconds()),
  t: () => '\t',
  T: compose('H M S', ':'),
  u: (time) => String(time.getDay() || 7),
  U: (time) => pad(weekOfYear(time, 0)),
  V: (time) => pad(isoWeek(time).week),
  w: (time) => String(time.getDay()),
  W: (time) => pad(weekOfYear(time, 1)),
  x: compose('m d y', '/'),
  X: compose('H M S', ':'),
  y: (time) => pad(time.getFullYear() % 100),
  Y: (time) => String(time.getFullYear()),
  z: offset,
  Z: zoneName,
};

function compose(letters: string, separator = ' '): TimePart {
  return (time) =>
    letters
      .split(' ')
      .map((letter) => formatTimePart(letter, time))
      .join(separator);
}

/** One part of a local time, by its letter in strftime(3), or `N` for nanoseconds; as it stands when there is none. */
export function formatTimePart(letter: string, time: Date): string {
  return PARTS[letter]?.(time) ?? `%${letter}`;
}

/** `2016-08-10T09:47:38+0100` */
export function formatIsoTime(time: Date): string {
  return `${formatTimePart('F', time)}T${formatTimePart('T', time)}${offset(time)}`;
}

/** `2016-08-10T09:47:38.250000+0100` */
export function formatIsoTimeWithMicroseconds(time: Date): string {
  const micros = formatTimePart('N', time).slice(0, 6);
  return `${formatTimePart('F', time)}T${formatTimePart('T', time)}.${micros}${offset(time)}`;
}
