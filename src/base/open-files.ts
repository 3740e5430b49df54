import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Descriptors for listeners, files and the runtime itself. */
const OWN_FILES = 32;
const FEWEST_FILES = 8;
/**
 * Of the others, the part that HTTP callers may hold. Devices and MQTT clients have the rest, and those of one address
 * half of that: a fleet behind a proxy is one address.
 */
const HTTP_PART = 1 / 12;

/** Of the others, the part that may be at the beginning, not known yet, in one listener. */
const HANDSHAKE_PART = 1 / 16;

type OpenFiles = {
  readonly http: number;
  readonly others: number;
  /** Among the others. */
  readonly handshakes: number;
};

/** The last ones are for the program's own files: no connection gets them. */
const KEPT_FILES = 4;
let most: number | undefined;

/**
 * Closes a connection that came where no more descriptors are left than the program needs for itself: with none at all,
 * Node closes what comes, and tells nobody. The system gives the lowest number that is free.
 *
 * @returns what to say, where it was closed
 */
export function closeIfLastFile(socket: Socket): string | undefined {
  const { fd = -1 } =
    (socket as unknown as { readonly _handle: { readonly fd?: number } | null })._handle ?? {};
  most ??= maxOpenFiles();
  if (fd < most - KEPT_FILES) return undefined;
  socket.destroy();
  return `as many files are open as the system lets this program open (ulimit -n is ${most}): raise it`;
}

/** How many connections of each sort the system lets this process have; infinite where it does not say. */
export function shareOpenFiles(): OpenFiles {
  const files = Math.max(FEWEST_FILES, maxOpenFiles() - OWN_FILES);
  const http = Math.floor(files * HTTP_PART);
  const others = Number.isFinite(files) ? files - http : files;
  return { http, others, handshakes: Math.max(1, Math.floor(others * HANDSHAKE_PART)) };
}

/** What to set where connections are refused because all places are taken. @param key - says how many there are */
export function sayFull(key: string, most: number): string {
  return `${key} is ${most}: raise it, or how many files the system lets this program open (ulimit -n)`;
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
