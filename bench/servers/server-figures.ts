import { readFile } from 'node:fs/promises';

const CLOCK_TICKS_PER_SECOND = 100; // sysconf(_SC_CLK_TCK) is 100 on every Linux that Node runs on

/** Seconds of CPU, user and system, that a process has used so far. */
export async function readCpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** Datagrams that the kernel threw away because the buffer of the socket on `port` was full. */
export async function readKernelDrops(port: number): Promise<number> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const text = await readFile('/proc/net/udp', 'utf8');
  const rows = text.split('\n').filter((row) => row.trim().split(/\s+/)[1]?.endsWith(`:${hexPort}`));
  return rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/).at(-1)), 0);
}

/** The hub's counters at `/metrics`: `name{labels}` → value. */
export async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const metrics = new Map<string, number>();
  for (const line of text.split('\n')) {
    const space = line.lastIndexOf(' ');
    if (line.startsWith('#') || space < 0) continue;
    metrics.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return metrics;
}

/** Resident memory of a process in MiB; `VmHWM` is the most that it has ever had. */
export async function readMemoryMib(pid: number, field: 'VmRSS' | 'VmHWM' = 'VmRSS'): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1]) / 1024;
}
