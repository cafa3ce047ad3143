import type { RooflinePoint } from '../analysis/roofline.js';
import { formatRate, significant } from '../output/figures.js';
import type { FigureTable } from '../output/summaryTable.js';
import type { CeilingsRecord } from '../schema/benchResult.js';

/** What the parts are called beside the rows of the seed's table. */
const PART_NAMES: Readonly<Record<RooflinePoint['part'], string>> = {
  convStem: 'conv stem',
  encoderLayers: 'encoder layers',
  encode: 'encode (with mel)',
  prefill: 'prefill',
  decode: 'decode steps',
};

/** `ceilings (2 threads): read 33.1 GB/s  f32 176 GFLOP/s  bf16 427 GFLOP/s  int8 879 GOP/s` */
export function formatCeilings(ceilings: CeilingsRecord | null): string {
  if (ceilings === null) return 'ceilings: not available on the reference backend\n';
  const { threads, readBytesPerSecond, f32FlopsPerSecond, bf16FlopsPerSecond, int8OpsPerSecond } = ceilings;
  const rate = (name: string, value: number | null, unit: string): string[] =>
    value === null ? [] : [`${name} ${formatRate(value)}${unit}`];
  const rates = [
    ...rate('read', readBytesPerSecond, 'B/s'),
    ...rate('f32', f32FlopsPerSecond, 'FLOP/s'),
    ...rate('bf16', bf16FlopsPerSecond, 'FLOP/s'),
    ...rate('int8', int8OpsPerSecond, 'OP/s'),
  ];
  return `ceilings (${threads} ${threads === 1 ? 'thread' : 'threads'}): ${rates.join('  ')}\n`;
}

/** `of the ceilings: encode 72 %  prefill 71 %  decode 93 %`: what follows a run's line. */
export function formatShares(points: readonly RooflinePoint[]): string {
  const parts = points.filter(({ part }) => part === 'encode' || part === 'prefill' || part === 'decode');
  if (parts.length === 0) return '';
  const shares = parts.map(({ part, share }) => `${part} ${(100 * share).toFixed(0)} %`);
  return `            of the ceilings: ${shares.join('  ')}\n`;
}

/** Every part with its work, its rate, and the share of its ceiling. */
export function rooflineTable(title: string, points: readonly RooflinePoint[]): FigureTable {
  return {
    header: [title, 'work', 'ms', 'rate', 'share', 'limit'],
    rows: points.map(({ part, work, ms, perSecond, share, limit }) => {
      const unit = limit === 'read' ? 'B' : limit === 'int8' ? 'OP' : 'FLOP';
      return [
        PART_NAMES[part],
        `${formatRate(work)}${unit}`,
        significant(ms),
        `${formatRate(perSecond)}${unit}/s`,
        `${(100 * share).toFixed(0)} %`,
        limit,
      ];
    }),
  };
}
