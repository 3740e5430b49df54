import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { missingPrograms } from '../helpers/broker-program.ts';

const SOURCE = join(import.meta.dirname, 'disk-changes.c');
const HEAD_BYTES = 16;

/** One change of a folder, as disk-changes.c appends it: written, truncated, synced, unlinked, renamed, a folder made. */
export type DiskChange = {
  readonly kind: 'W' | 'T' | 'S' | 'U' | 'R' | 'D';
  /** Within the folder; empty for the folder itself. */
  readonly name: string;
  /** Where it was written, or the length that it was truncated to. */
  readonly offset: number;
  /** What was written, or the new name. */
  readonly data: Buffer;
};

/** Why disks cannot be watched here; false when they can. Meant for `skip`. */
export function whyNoWatchedDisk(): string | false {
  if (process.platform !== 'linux') return 'only Linux preloads as this wants it';
  return missingPrograms('cc').length > 0 && 'there is no C compiler (cc)';
}

/** A data folder, and what stands between it and a hub: what changes there is noted, fails, or is where the hub is killed. */
export class WatchedDisk {
  readonly folder: string;
  readonly #own: string;

  constructor(t: TestContext) {
    this.#own = mkdtempSync(join(tmpdir(), 'recado-watched-'));
    this.folder = this.#file('data');
    mkdirSync(this.folder);
    t.after(() => rmSync(this.#own, { recursive: true }));
    execFileSync('cc', ['-O1', '-shared', '-fPIC', '-o', this.#file('disk-changes.so'), SOURCE, '-lpthread']);
  }

  /** The environment of a program that is watched. */
  get settings(): Record<string, string> {
    return {
      LD_PRELOAD: this.#file('disk-changes.so'),
      DISK_FOLDER: this.folder,
      DISK_TRACE: this.#file('trace'),
      DISK_FAULT: this.#file('fault'),
    };
  }

  /** Each change fails so from now on. */
  failWith(name: keyof typeof constants.errno): void {
    writeFileSync(this.#file('fault'), String(constants.errno[name]));
  }

  heal(): void {
    rmSync(this.#file('fault'));
  }

  /** This moment, for `changes`. */
  now(): number {
    return statSync(this.#file('trace')).size;
  }

  /** All that was changed before a moment, in order. */
  changes(until = Number.POSITIVE_INFINITY): DiskChange[] {
    const trace = existsSync(this.#file('trace')) ? readFileSync(this.#file('trace')) : Buffer.alloc(0);
    const changes: DiskChange[] = [];
    for (let at = 0; at < Math.min(trace.length, until);) {
      const nameStart = at + HEAD_BYTES;
      const dataStart = nameStart + trace.readUInt16LE(at + 2);
      const dataEnd = dataStart + trace.readUInt32LE(at + 4);
      changes.push({
        kind: String.fromCharCode(trace[at]!) as DiskChange['kind'],
        name: trace.toString('utf8', nameStart, dataStart),
        offset: Number(trace.readBigUInt64LE(at + 8)),
        data: trace.subarray(dataStart, dataEnd),
      });
      at = dataEnd;
    }
    return changes;
  }

  #file(name: string): string {
    return join(this.#own, name);
  }
}
