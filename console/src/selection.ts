import { signal } from '@preact/signals';

/** Ids of the devices that somebody has chosen, to do something with all of them. */
export const selected = signal<ReadonlySet<string>>(new Set());

/** The row that was chosen last: with Shift, all from there to the next one are. */
let lastChosen: string | undefined;

/** Chooses a device, or no more; `shown` are all that are on the page, in its order. */
export function choose(deviceId: string, isWithRange: boolean, shown: readonly string[]): void {
  const next = new Set(selected.value);
  const isAdded = !next.has(deviceId);
  const at = shown.indexOf(deviceId);
  const from = isWithRange && lastChosen !== undefined ? shown.indexOf(lastChosen) : at;
  const range = from === -1 ? [deviceId] : shown.slice(Math.min(from, at), Math.max(from, at) + 1);
  for (const id of range) {
    if (isAdded) next.add(id);
    else next.delete(id);
  }
  lastChosen = deviceId;
  selected.value = next;
}
