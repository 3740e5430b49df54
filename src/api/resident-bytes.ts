/** Memory of this process; undefined where no file can be opened: the system tells it by one. */
export function readResidentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
