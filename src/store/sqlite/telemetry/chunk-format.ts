import { ColumnReader, ColumnWriter } from './column-format.ts';

/* The readings of one series in one blob: the times as differences, the first one to the chunk's `t0`; then the values. */

export function encodeChunk(t0: number, times: Float64Array, values: Float64Array): Buffer {
  const writer = new ColumnWriter({ numbers: times.length, values: values.length });
  let before = t0;
  for (const time of times) {
    writer.addDifference(time - before);
    before = time;
  }
  writer.addValues(values);
  return writer.deflate();
}

export function decodeChunk(
  blob: Uint8Array,
  { t0, count }: { readonly t0: number; readonly count: number },
): { readonly times: Float64Array; readonly values: Float64Array } {
  const reader = new ColumnReader(blob, { numbers: count, values: count });
  const times = new Float64Array(count);
  let before = t0;
  for (let index = 0; index < count; index++) {
    before += reader.readDifference();
    times[index] = before;
  }
  return { times, values: reader.readValues(count) };
}
