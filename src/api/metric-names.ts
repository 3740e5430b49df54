import { MAX_METRIC_NAME_CHARACTERS } from '../devices/telemetry.ts';
import { MAX_HISTORY_METRICS } from './history-schemas.ts';
import { RequestRefused } from './problems.ts';

/** The `metrics` of a query: names with commas between them, each percent-encoded. */
export function readMetrics(list: string): string[] {
  const names = [...new Set(list.split(',').map(decodeName))];
  if (names.length > MAX_HISTORY_METRICS)
    throw new RequestRefused('REQUEST_INVALID', `metrics are more than ${MAX_HISTORY_METRICS}.`);
  return names;
}

function decodeName(written: string): string {
  try {
    const name = decodeURIComponent(written);
    if (name !== '' && name.length <= MAX_METRIC_NAME_CHARACTERS) return name;
  } catch {
    // A % that begins nothing.
  }
  const text = `metrics has "${written.slice(0, MAX_METRIC_NAME_CHARACTERS)}", which is no name of one; commas stand between names, and % is %25.`;
  throw new RequestRefused('REQUEST_INVALID', text);
}
