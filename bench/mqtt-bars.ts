import type { Bar } from './bars.ts';
import type { ContestResult, Figures, Workload } from './contest.ts';

/** Names of the contenders: what `Recado` is held against. */
export const RECADO = 'Recado';
export const FLASHMQ = 'FlashMQ';
export const MOSQUITTO = 'Mosquitto';

type Comparison = {
  readonly figure: string;
  readonly peers: readonly string[];
  /** What of Recado is compared with the same of the best of the peers; less is better. */
  readonly read: (figures: Figures) => number;
  readonly unit: string;
  readonly maxRatio: number;
};

/** The bar of one workload: Recado's figure against that of the better peer which is here. */
export function compareWithPeers(
  result: ContestResult,
  workload: Workload,
  { figure, peers, read, unit, maxRatio }: Comparison,
): Bar {
  const own = result.figuresOf(RECADO, workload);
  const theirs = peers.flatMap((name) => {
    const figures = result.figuresOf(name, workload);
    return figures === undefined ? [] : [{ name, value: read(figures) }];
  });
  const best = theirs.toSorted((a, b) => a.value - b.value)[0];
  const absent = peers.map((name) => result.absenceOf(name)).filter((why) => why !== undefined);
  const wanted = `at most ${maxRatio} × ${peers.length > 1 ? 'the better of ' : ''}${peers.join(' and ')}`;
  const base = { figure: `${workload.name}: ${figure}`, wanted };
  const note = absent.length > 0 ? ` (${absent.join(', ')})` : '';
  if (own === undefined) return { ...base, met: false, measured: 'Recado did not come through' };
  if (best === undefined) {
    const isAbsent = absent.length === peers.length;
    return { ...base, met: isAbsent ? undefined : false, measured: `not measured${note}` };
  }
  const ratio = read(own) / best.value;
  const values = `${read(own).toFixed(2)} against ${best.value.toFixed(2)} ${unit}`;
  return {
    ...base,
    met: ratio <= maxRatio,
    measured: `${ratio.toFixed(2)} × ${best.name}, ${values}${note}`,
  };
}

/** The bar of one workload: how much of `other`'s rate, or how many times it, Recado's is (or another of its kind). */
export function compareRates(
  result: ContestResult,
  workload: Workload,
  { of = RECADO, other, minRatio }: { of?: string; other: string; minRatio: number },
): Bar {
  const [own, theirs] = [result.figuresOf(of, workload), result.figuresOf(other, workload)];
  const base = {
    figure: `${workload.name}: rate of ${of}, against ${other}`,
    wanted: `at least ${minRatio} × ${other}`,
  };
  if (own === undefined || theirs === undefined) {
    const absence = result.absenceOf(other);
    const measured = `not measured${absence === undefined ? '' : `: ${absence}`}`;
    return { ...base, met: own !== undefined && absence !== undefined ? undefined : false, measured };
  }
  const ratio = own.perSecond / theirs.perSecond;
  return { ...base, met: ratio >= minRatio, measured: `${ratio.toFixed(2)} ×` };
}
