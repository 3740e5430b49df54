import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Mounting needs rights that a container may not have. Meant for `skip`. */
export function whyNoSmallDisk(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'recado-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return false;
  } catch {
    return 'this user may mount no tmpfs';
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A disk of a few mebibytes. */
export class SmallDisk {
  readonly path: string;
  readonly #fillers: string[] = [];

  constructor(t: TestContext, megabytes: number) {
    this.path = mkdtempSync(join(tmpdir(), 'recado-small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', this.path]);
    t.after(() => {
      execFileSync('umount', ['-l', this.path]);
      rmSync(this.path, { recursive: true });
    });
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Somebody else takes the room that is left, but for so many bytes. */
  fill(leftBytes = 0): void {
    this.#fillers.push(this.file(`filler-${this.#fillers.length}`));
    const { bavail, bsize } = statfsSync(this.path);
    try {
      writeFileSync(this.#fillers.at(-1)!, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
    } catch (error) {
      // Others have taken some of it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  /** That room is there again. */
  makeRoom(): void {
    for (const each of this.#fillers.splice(0)) rmSync(each);
  }

  /** @param options - of `mount`: `size=32m`, or `ro` */
  remount(options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.path]);
  }
}
