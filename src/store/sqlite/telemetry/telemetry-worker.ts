import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { HistoryQuery, ReadingBatch } from '../../../devices/telemetry-store.ts';
import type { StoreFault } from '../../store-state.ts';
import type { CallAnswer, DatabaseCall, DatabaseRequest, OpenAnswer } from '../database-messages.ts';
import { diskFaultOf, systemFaultOf } from '../disk-fault.ts';
import { serveThread } from '../serve-database.ts';
import { FileLeftError } from './file-left-error.ts';
import { TelemetryFiles, type KeptHistory, type TelemetryFilesOptions } from './telemetry-files.ts';
import { TelemetryQuestion } from './telemetry-question.ts';

/*
 * The thread of the history. Its files come and go, so each batch is a transaction of its own in the file it is for.
 * What takes long is done in slices: its asker asks for the next one, and batches come between.
 */

/** How long a batch waits for what is done besides. */
const SLICE_MS = 20;

const { options } = workerData as { readonly options: TelemetryFilesOptions };
const files = new TelemetryFiles(options);
let question: TelemetryQuestion | undefined;

const operations = {
  append(batch: ReadingBatch): Progress & { readonly bufferBytes: number } {
    files.append(batch);
    return { kept: files.kept, isDue: files.isDue, bufferBytes: files.bufferBytes };
  },
  /** Begins a question; undefined: it is to be gone on with. The one before is given up. */
  history(query: HistoryQuery) {
    question = new TelemetryQuestion(files, query);
    return question.goOn(SLICE_MS);
  },
  goOn: () => question?.goOn(SLICE_MS),
  coarsen,
  probe: () => files.probe(),
};

type Progress = { readonly kept: KeptHistory; readonly isDue: boolean };

/** A slice of making minutes of old readings. What the disk says costs nobody a reading: it stays, and why. */
function coarsen(): Progress & { readonly putOff: string | undefined } {
  const until = performance.now() + SLICE_MS;
  let putOff: string | undefined;
  try {
    while (files.isDue && performance.now() < until) files.coarsen();
  } catch (error) {
    const fault = faultHere(error);
    if (fault === undefined || fault.state === 'damaged') throw error;
    putOff = fault.message;
  }
  return { kept: files.kept, isDue: files.isDue, putOff };
}

export type TelemetryOperations = typeof operations;

function call({ name, input }: DatabaseCall): CallAnswer {
  try {
    return { output: operations[name as keyof TelemetryOperations](input as never) };
  } catch (error) {
    const fault = faultHere(error);
    if (fault?.state !== 'damaged') return fault === undefined ? { error } : { fault };
    // One file of many: it was set aside, and the history goes on without it.
    const message = `a file of the history is damaged, and is set aside: ${fault.message}`;
    return { fault: { state: 'failing', message } };
  }
}

function faultHere(error: unknown): StoreFault | undefined {
  if (error instanceof FileLeftError) return { state: 'failing', message: error.message };
  return diskFaultOf(error, join(options.folder, 'telemetry')) ?? systemFaultOf(error);
}

serveThread(({ port }) => {
  port.on('message', (request: DatabaseRequest) => {
    if (request.kind === 'close') {
      files.close();
      port.close();
    } else if (request.kind === 'open') {
      port.postMessage([{ output: {} satisfies OpenAnswer }]);
    } else {
      port.postMessage(request.kind === 'read' ? [call(request.call)] : request.calls.map(call));
    }
  });
});
