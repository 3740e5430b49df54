import { RecadoError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { DEFAULT_LOOK_EVERY_MS, DEFAULT_SETTLE_MS, FileWatch } from '../../mqtt/access/file-watch.ts';
import type { TlsMaterial } from '../../mqtt/transport/tls-material.ts';
import { listTlsFiles, readTlsFiles, type TlsFiles } from './tls-files.ts';

type Parts = { readonly log: Logger; readonly clock: Clock };

/** The certificates and the key of a TLS listener, read again whenever their files change. */
export class TlsReload {
  readonly #tls: TlsFiles;
  readonly #listener: string;
  readonly #parts: Parts;
  #signatures = '';
  #watch: FileWatch | undefined;
  #reloads = 0;
  #failedReloads = 0;

  /** @param listener - whose they are */
  constructor(listener: string, tls: TlsFiles, parts: Parts) {
    this.#listener = listener;
    this.#tls = tls;
    this.#parts = parts;
  }

  get counters(): { readonly reloads: number; readonly failedReloads: number } {
    return { reloads: this.#reloads, failedReloads: this.#failedReloads };
  }

  /** @throws {RecadoError} CONFIG_INVALID, each fault with its file and line */
  async read(): Promise<TlsMaterial> {
    const { signatures, result } = await readTlsFiles(this.#tls);
    this.#signatures = signatures;
    if (!result.ok) throw new RecadoError('CONFIG_INVALID', result.failure.join('\n'));
    for (const warning of result.value.warnings) this.#parts.log.warn({}, warning);
    return result.value.material;
  }

  /** @param use - gives the listener what was read; when it throws, the old certificates stay */
  watch(use: (material: TlsMaterial) => void): void {
    this.#watch ??= new FileWatch({
      ...this.#parts,
      files: listTlsFiles(this.#tls),
      settleMs: DEFAULT_SETTLE_MS,
      lookEveryMs: DEFAULT_LOOK_EVERY_MS,
      lastRead: () => this.#signatures,
      onChanged: () => this.#reload(use),
    });
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  async #reload(use: (material: TlsMaterial) => void): Promise<void> {
    const { log } = this.#parts;
    const listener = this.#listener;
    try {
      use(await this.read());
      this.#reloads++;
      log.info({ listener }, `new certificates are in force for ${listener}`);
    } catch (error) {
      this.#failedReloads++;
      const why = error instanceof Error ? error.message : String(error);
      log.error(
        { listener, faults: why.split('\n'), ...(!(error instanceof RecadoError) && { err: error }) },
        `the old certificates of ${listener} stay in force: ${why.split('\n', 1)[0]}`,
      );
    }
  }
}
