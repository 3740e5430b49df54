import { readFileSync } from 'node:fs';

/** Descriptors for listeners, files and the runtime itself. */
const OWN_FILES = 32;
const FEWEST_FILES = 8;
/**
 * Of the others, the part that HTTP callers may hold. Devices and MQTT clients have the rest, and those of one address
 * half of that: a fleet behind a proxy is one address.
 */
const HTTP_PART = 1 / 12;

/** How many connections of both sorts the system lets this process have; infinite where it does not say. */
export function shareOpenFiles(): { readonly http: number; readonly others: number } {
  const files = Math.max(FEWEST_FILES, maxOpenFiles() - OWN_FILES);
  const http = Math.floor(files * HTTP_PART);
  return { http, others: Number.isFinite(files) ? files - http : files };
}

function maxOpenFiles(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    // No Linux: then the options alone say how many connections there may be.
    return Number.POSITIVE_INFINITY;
  }
}
