import { Counter, Gauge, type Registry } from 'prom-client';

export type Sample = readonly [labels: Record<string, string>, value: number];

/** A metric that is read when somebody asks, so that counting is adding to plain numbers. */
type ReadMetric = {
  readonly name: string;
  readonly help: string;
  readonly labels?: string[];
  readonly read: () => number | Iterable<Sample>;
};

/** Adds a number that goes up and down. */
export function addGauge(registry: Registry, { name, help, labels = [], read }: ReadMetric): void {
  const metric = new Gauge({
    name,
    help,
    labelNames: labels,
    registers: [],
    collect() {
      for (const [values, value] of samplesOf(read())) this.set(values, value);
    },
  });
  registry.registerMetric(metric);
}

/** Adds a number that only grows. */
export function addCounter(registry: Registry, { name, help, labels = [], read }: ReadMetric): void {
  const metric = new Counter({
    name: `${name}_total`,
    help,
    labelNames: labels,
    registers: [],
    collect() {
      this.reset();
      for (const [values, value] of samplesOf(read())) this.inc(values, value);
    },
  });
  registry.registerMetric(metric);
}

function samplesOf(read: number | Iterable<Sample>): Iterable<Sample> {
  return typeof read === 'number' ? [[{}, read]] : read;
}

/** `connectionsAccepted` → `connections_accepted` */
export function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
