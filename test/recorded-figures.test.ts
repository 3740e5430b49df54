import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFigures } from '../bench/recorded-figures.ts';
import { readText } from './helpers/source-files.ts';

/** A number that the READMEs tell, and the bar of `bench/figures.md` that it comes from. */
type Claim = {
  readonly bench: string;
  readonly figure: RegExp;
  /** Where several bars are meant, the sentence tells the least or the most of them. */
  readonly of: (values: readonly number[]) => number;
  /** Each page's sentence; the number is its first group. */
  readonly pages: Readonly<Record<string, RegExp>>;
};

const least = (values: readonly number[]): number => Math.min(...values);
const most = (values: readonly number[]): number => Math.max(...values);

const CLAIMS: readonly Claim[] = [
  {
    bench: 'commands',
    figure: /^POST \/api\/v1\/.*calls\/s$/,
    of: least,
    pages: {
      'README.md': /runs at ([\d.,]+) % of the rate of a bare Fastify route/,
      'README.pt-BR.md': /alcança ([\d.,]+) % da taxa de uma rota Fastify/,
    },
  },
  {
    bench: 'fleet',
    figure: /^CPU$/,
    of: most,
    pages: {
      'README.md': /5,000 devices take ([\d.,]+) % of a core/,
      'README.pt-BR.md': /5\.000 dispositivos ocupam ([\d.,]+) % de um núcleo/,
    },
  },
  {
    bench: 'mqtt',
    figure: /: rate of Recado, against/,
    of: least,
    pages: {
      'README.md': /([\d.,]+) to \d+ times the rate of Mosquitto and Aedes/,
      'README.pt-BR.md': /de ([\d.,]+) a \d+ vezes a taxa do Mosquitto e do Aedes/,
    },
  },
  {
    bench: 'mqtt',
    figure: /: rate of Recado, against/,
    of: most,
    pages: {
      'README.md': /\d+ to ([\d.,]+) times the rate of Mosquitto and Aedes/,
      'README.pt-BR.md': /de \d+ a ([\d.,]+) vezes a taxa do Mosquitto e do Aedes/,
    },
  },
];

describe('README tells what the benchmarks recorded', () => {
  const recorded = new Map(readFigures().map(({ bench, bars }) => [bench, bars]));
  for (const { bench, figure, of, pages } of CLAIMS) {
    const bars = recorded.get(bench);
    const skip = bars === undefined ? `npm run bench -- ${bench} --record has not been run yet` : false;
    it(`${bench}: ${figure.source} (${of.name})`, { skip }, () => {
      const measured = (bars ?? []).filter((bar) => figure.test(bar.figure));
      const value = of(measured.map((bar) => Number.parseFloat(bar.measured)));
      for (const [page, sentence] of Object.entries(pages)) {
        const told = sentence.exec(readText(page).replaceAll(/\s+/g, ' '))?.[1];
        assert.equal(told, String(Math.round(value)), `${page}: ${sentence.source}`);
      }
    });
  }
});
