import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' | 'major'; readonly flavor?: 'last-resort' }) => void;

/** Of bodies, between two collections of the young. */
const MINOR_EVERY_BYTES = 2 * 1024 * 1024;
/** So many of them, and then one of everything. */
const MINORS_BEFORE_MAJOR = 24;

/**
 * Has the pieces of bodies collected that have passed. Each is a small object with much memory outside of the
 * heap, which V8 does not see in time: left alone, it holds a hundred mebibytes of them before it collects. A
 * collection of the young takes about a millisecond; one of everything ten in a small process, and more in a
 * large one.
 */
export class BufferCollector {
  readonly #collect: Collect | undefined;
  readonly #collectsAll: boolean;
  #bytes = 0;
  #minors = 0;

  /** @param collectsAll - the old as well: for a process that does nothing else and is small */
  constructor(
    { collectsAll }: { readonly collectsAll: boolean },
    collect: Collect | undefined = findCollector(),
  ) {
    this.#collectsAll = collectsAll;
    this.#collect = collect;
  }

  /** Bytes of a body have passed. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < MINOR_EVERY_BYTES) return;
    this.#bytes = 0;
    this.#minors++;
    const isMajor = this.#collectsAll && this.#minors % MINORS_BEFORE_MAJOR === 0;
    this.#collect?.({ type: isMajor ? 'major' : 'minor' });
  }
}

/** Node gives it only to who asks for it by a flag; a context that is made after the flag has it. */
export function findCollector(): Collect | undefined {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof collect === 'function' ? (collect as Collect) : undefined;
}
