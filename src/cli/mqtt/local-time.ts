/** One part of a local time, by its letter in strftime(3), or `N` for nanoseconds; undefined when there is none. */
export function formatTimePart(letter: string, time: Date): string | undefined {
  const two = (value: number): string => String(value).padStart(2, '0');
  switch (letter) {
    case 'Y':
      return String(time.getFullYear());
    case 'm':
      return two(time.getMonth() + 1);
    case 'd':
      return two(time.getDate());
    case 'H':
      return two(time.getHours());
    case 'M':
      return two(time.getMinutes());
    case 'S':
      return two(time.getSeconds());
    case 'F':
      return ['Y', 'm', 'd'].map((part) => formatTimePart(part, time)).join('-');
    case 'T':
      return ['H', 'M', 'S'].map((part) => formatTimePart(part, time)).join(':');
    case 'z':
      return formatOffset(-time.getTimezoneOffset());
    case 's':
      return String(Math.floor(time.getTime() / 1000));
    case 'N':
      return `${String(time.getTime() % 1000).padStart(3, '0')}000000`;
    default:
      return undefined;
  }
}

/** `2016-08-10T09:47:38+0100` */
export function formatIsoTime(time: Date): string {
  return `${formatTimePart('F', time)}T${formatTimePart('T', time)}${formatTimePart('z', time)}`;
}

/** `2016-08-10T09:47:38.250000+0100` */
export function formatIsoTimeWithMicroseconds(time: Date): string {
  const micros = formatTimePart('N', time)?.slice(0, 6);
  return `${formatTimePart('F', time)}T${formatTimePart('T', time)}.${micros}${formatTimePart('z', time)}`;
}

function formatOffset(minutes: number): string {
  const size = Math.abs(minutes);
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${hours}${String(size % 60).padStart(2, '0')}`;
}
