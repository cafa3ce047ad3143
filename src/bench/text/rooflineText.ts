import { CEILING_NAMES, type RooflinePoint, rateOf } from '../analysis/roofline.js';
import { formatThreads } from '../output/figures.js';
import { formatCeiling, formatShare } from '../output/rooflineTable.js';
import { phaseOf } from '../phases.js';
import type { CeilingsRecord } from '../schema/benchResult.js';

/** `ceilings (2 threads): read 33.1 GB/s  f32 176 GFLOP/s  bf16 427 GFLOP/s  int8 879 GOP/s` */
export function formatCeilings(ceilings: CeilingsRecord | null): string {
  if (ceilings === null) return 'ceilings: not available on the reference backend\n';
  const rates = CEILING_NAMES.flatMap((name) => {
    const rate = rateOf(ceilings, name);
    return rate === null ? [] : [`${name} ${formatCeiling(rate, name)}`];
  });
  const { threads, datapathBits } = ceilings;
  const width = datapathBits == null ? '' : `  ${datapathBits}-bit datapaths`;
  return `ceilings (${formatThreads(threads)}): ${rates.join('  ')}${width}\n`;
}

/** `of the ceilings: conv stem 59 %  encoder 45 %  prefill 51 %  decode 71 %`: what follows a run's line. */
export function formatShares(points: readonly RooflinePoint[]): string {
  if (points.length === 0) return '';
  const shares = points.map((point) => {
    const { title, shortTitle = title } = phaseOf(point.phase);
    return `${shortTitle} ${formatShare(point)}`;
  });
  return `            of the ceilings: ${shares.join('  ')}\n`;
}
