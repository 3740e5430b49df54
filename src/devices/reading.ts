/** What a device can report as the value of a metric. */
export type MetricValue = number | string | boolean;

/** What a description may say that the values of a metric are. */
export const METRIC_TYPES = ['number', 'integer', 'string', 'boolean'] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

function isMetricValue(value: unknown): value is MetricValue {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

/** What is wrong with a value as a reading, after the name of its metric; undefined when nothing is. */
export function findValueFault(value: unknown, type: MetricType | undefined): string | undefined {
  if (!isMetricValue(value)) return 'is no finite number, text, true or false';
  const isOfType =
    type === undefined || typeof value === type || (type === 'integer' && Number.isInteger(value));
  return isOfType ? undefined : `is not of the type ${type}, as its description says`;
}

/** The latest value of one metric. */
export type Reading = {
  readonly metric: string;
  readonly value: MetricValue;
  readonly unit: string | undefined;
  /** When it was read; wall time, ms. */
  readonly time: number;
};
