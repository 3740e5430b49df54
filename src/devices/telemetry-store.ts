/** What the readings of a stretch of time come to. */
export const HISTORY_FUNCTIONS = ['avg', 'min', 'max', 'sum', 'count', 'first', 'last'] as const;
export type HistoryFunction = (typeof HISTORY_FUNCTIONS)[number];

/** Readings that came since the batch before: columns, because they come by the hundred thousand. */
export type ReadingBatch = {
  /** Wall time, ms. */
  readonly at: number;
  /** Numbers mean from now on what `series` says, and nothing of what was said before. */
  readonly isFresh: boolean;
  /** Series that have had no reading before; their numbers follow each other. */
  readonly series: readonly SeriesName[];
  /** Of the series of each reading. */
  readonly numbers: Uint32Array<ArrayBuffer>;
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
};

export type SeriesName = { readonly number: number; readonly deviceId: string; readonly metric: string };

export type HistoryQuery = {
  readonly deviceId: string;
  readonly metric: string;
  /** Wall times, ms: from the first on, before the second. */
  readonly from: number;
  readonly to: number;
  /** Undefined: each reading as it is; else one value for each stretch, which begin at whole multiples of it. */
  readonly by: { readonly everyMs: number; readonly fn: HistoryFunction } | undefined;
  /** Most values that are wanted. */
  readonly limit: number;
};

/** Values in the order of their times. Where nothing was read there is none. */
export type HistoryValues = {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** There are more: from here on. */
  readonly next: number | undefined;
  /** What is old is kept by stretches of so long; undefined where each reading was there. */
  readonly resolutionMs: number | undefined;
};

/** Keeps what was read: numbers, and true and false as 1 and 0. */
export type TelemetryStore = {
  /** What it has of readings in memory, after the last batch. */
  readonly heldBytes: number;
  /** Resolves when it is kept, or cannot be: what a disk has no room for is lost, and the store's health says so. */
  write(batch: ReadingBatch): Promise<{ readonly isKept: boolean }>;
  /** Undefined when it cannot be read, or its asker has given up. */
  read(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryValues | undefined>;
  close(): Promise<void>;
};
