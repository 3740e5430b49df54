import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { Logger } from '../../base/logger.ts';
import { GIVE_BACK_MEMORY, type DatabaseConnection, type ServedFile } from './database-messages.ts';

type ThreadParts = {
  /** As people know it. */
  readonly name: string;
  /** Its module, as it is named in the sources: `new URL('./x.ts', import.meta.url)`. */
  readonly module: URL;
  /** What the module needs besides: its `workerData`. */
  readonly options?: unknown;
  readonly log: Logger;
};

/** A thread in which databases are served: it begins with the first of them and ends with the last. */
export class DatabaseThread {
  readonly #parts: ThreadParts;
  #worker: Worker | undefined;
  #connections = 0;

  constructor(parts: ThreadParts) {
    this.#parts = parts;
  }

  /** Where a database is asked, and closed by its thread at the end. */
  connect(served: ServedFile): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const worker = (this.#worker ??= this.#start());
    this.#connections++;
    port1.once('close', () => {
      if (--this.#connections > 0) return;
      this.#worker = undefined;
      void worker.terminate();
    });
    worker.postMessage({ ...served, port: port2 } satisfies DatabaseConnection, [port2]);
    return port1;
  }

  /** Has it give back what opening and loading have left behind. */
  giveBackMemory(): void {
    this.#worker?.postMessage(GIVE_BACK_MEMORY, []);
  }

  #start(): Worker {
    const { name, module, options, log } = this.#parts;
    const worker = new Worker(asPublished(module), { name: `recado ${name}`, workerData: { options } });
    worker.on('error', (error: unknown) => {
      log.error({ err: error, thread: name }, `the thread of ${name} ended by an error`);
    });
    return worker;
  }
}

/** The sources run as they are; what is published is JavaScript. */
function asPublished(module: URL): URL {
  return import.meta.url.endsWith('.ts') ? module : new URL(module.href.replace(/\.ts$/, '.js'));
}
