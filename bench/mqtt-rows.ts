import type { Workload } from './contest.ts';

export const RECADO_MQTT5 = 'Recado, MQTT 5';
export const RECADO_ACL = 'Recado, 100 ACL rules';
export const AEDES = 'Aedes';

/** A workload of the fifteen rows, and what it is held to. */
export type Row = Workload & {
  /** The most that a message may cost Recado, as a part of what it costs the better peer. */
  readonly maxCpuRatio: number;
  readonly maxP99Ms?: number;
  /** Whether the variants of Recado, and Aedes, take part as well. */
  readonly hasVariants: boolean;
};

const VARIANTS = [RECADO_MQTT5, RECADO_ACL, AEDES];

type Details = Partial<Pick<Row, 'maxCpuRatio' | 'maxP99Ms' | 'hasVariants'>>;

function row(
  name: string,
  flags: string,
  [messages, messagesWhenSlow]: readonly [number, number],
  { maxCpuRatio = 1, hasVariants = false, ...rest }: Details = {},
): Row {
  return {
    name,
    args: flags.split(' '),
    messages,
    messagesWhenSlow,
    maxCpuRatio,
    hasVariants,
    ...(hasVariants ? {} : { without: VARIANTS }),
    ...rest,
  };
}

/** Payloads of 64 bytes, MQTT 3.1.1, one publisher, one subscriber and QoS 0 where a row does not say otherwise. */
export const FIFTEEN_ROWS: readonly Row[] = [
  row('R1 window 100', '-w 100', [1_000_000, 150_000], { hasVariants: true }),
  row('R2 window 1000', '-w 1000', [2_000_000, 150_000], { hasVariants: true }),
  row('R3 fan-out 1→100', '-s 100', [20_000, 2000], { hasVariants: true }),
  row('R4 fan-in 50→1', '-p 50 -w 2000', [1_000_000, 150_000], { hasVariants: true }),
  row('R5 QoS 1', '-q 1', [500_000, 80_000], { hasVariants: true }),
  row('R6 QoS 2', '-q 2', [300_000, 40_000], { hasVariants: true }),
  row('R7 MQTT 5', '-v 5 -w 100', [500_000, 100_000]),
  row('R8 1,000 sparse publishers', '-p 1000 -w 1000', [500_000, 100_000], { maxP99Ms: 2 }),
  row('R9 the same, QoS 1', '-p 1000 -w 1000 -q 1', [200_000, 80_000]),
  row('R10 1→1000, one at a time', '-s 1000 -w 1', [500, 150]),
  row('R11 one at a time', '-w 1', [30_000, 30_000]),
  row('R12 4 KB', '-z 4096 -w 100', [100_000, 80_000]),
  row('R13 16 KB', '-z 16000 -w 50', [50_000, 40_000]),
  row('R14 64 KB', '-z 64000 -w 20', [20_000, 20_000], { maxCpuRatio: 1.3 }),
  row('R15 100 KB', '-z 100000 -w 10', [20_000, 20_000], { maxCpuRatio: 1.3 }),
];
