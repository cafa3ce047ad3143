import {
  CEILING_NAMES,
  type CeilingName,
  ceilingMovement,
  ceilingRange,
  isReliable,
  type RooflinePoint,
  rateOf,
  rooflineOfCell,
  typicalRange,
  vectorUnits,
} from '../analysis/roofline.js';
import { phaseOf } from '../phases.js';
import type { BenchResult, CeilingsRecord, CellRecord } from '../schema/benchResult.js';
import type { FigureTable } from './block.js';
import { formatRate, formatThreads, significant } from './figures.js';

/** The phases of a cell under the machine's ceilings; null where those or its work are unknown. */
export function rooflineOf(
  cell: CellRecord,
  result: Pick<BenchResult, 'ceilings'>,
  title: string,
): FigureTable | null {
  const points = rooflineOfCell(cell, result.ceilings);
  const { total, encode } = cell.summary ?? {};
  return points.length === 0 ? null : rooflineTable(title, points, (total ?? encode)?.median ?? null);
}

/**
 * Every phase with its time, the time that the machine's limit would allow, and that limit; below them the whole run.
 * The phases do not overlap.
 *
 * @param title of the first column
 * @param wholeMs wall time of the run the points are of; null when it is unknown
 */
export function rooflineTable(
  title: string,
  points: readonly RooflinePoint[],
  wholeMs: number | null,
): FigureTable {
  const rows = points.map((point) => [
    phaseOf(point.phase).metric,
    significant(point.ms),
    significant(point.ceilingMs),
    formatShare(point),
    formatCeiling(point.rate, point.limit),
    formatCeiling(point.ceiling, point.limit),
    point.limit,
  ]);
  const header = [title, 'ms', 'at ceiling', 'share', 'rate', 'ceiling', 'limit'];
  if (wholeMs === null || wholeMs <= 0) return { header, rows };
  const ceilingMs = points.reduce((sum, point) => sum + point.ceilingMs, 0);
  const reliable = points.every((point) => point.reliable);
  const share = formatShare({ share: ceilingMs / wholeMs, reliable });
  return {
    header,
    rows: [...rows, ['all', significant(wholeMs), significant(ceilingMs), share, '', '', '']],
  };
}

/** What the machine reaches by itself: the median of all measurements, and how far they went apart. */
export function ceilingsTable(ceilings: readonly CeilingsRecord[]): FigureTable {
  const show = (rate: number | null | undefined, name: CeilingName) =>
    rate == null ? '–' : formatCeiling(rate, name);
  return {
    header: ['ceilings', ...CEILING_NAMES],
    rows: ceilings.flatMap((one) => {
      const typical = [
        [`${one.backend} ${one.isa}`, formatThreads(one.threads), ...vectorUnits(one)].join(', '),
        ...CEILING_NAMES.map((name) => show(rateOf(one, name), name)),
      ];
      const count = one.samples?.length ?? 1;
      if (count < 2) return [typical];
      const ends = (['low', 'high'] as const).map((end) => [
        `  ${end === 'low' ? 'lowest' : 'highest'} of ${count}`,
        ...CEILING_NAMES.map((name) => show(ceilingRange(one, name)?.[end], name)),
      ]);
      return [typical, ...ends];
    }),
  };
}

/** Which ceilings moved so far that shares of them are marked with ~, a sentence each. */
export function ceilingDoubts(ceilings: readonly CeilingsRecord[]): string[] {
  return ceilings.flatMap((one) =>
    CEILING_NAMES.filter((name) => !isReliable(one, name)).map((name) => {
      const range = typicalRange(one, name);
      const moved = `${(100 * ceilingMovement(one, name)).toFixed(0)} %`;
      const ends =
        range === null ? '' : ` (${formatCeiling(range.low, name)} … ${formatCeiling(range.high, name)})`;
      const threads = ceilings.length === 1 ? '' : ` of ${formatThreads(one.threads)}`;
      return `the ${name} ceiling${threads} moved by ${moved} between measurements${ends}: shares of it are rough`;
    }),
  );
}

/** `41 %`, or `~41 %` of a ceiling that did not keep still. */
export function formatShare({ share, reliable }: Pick<RooflinePoint, 'share' | 'reliable'>): string {
  return `${reliable ? '' : '~'}${(100 * share).toFixed(0)} %`;
}

/** A ceiling, or a rate that is held against it, with its unit. */
export function formatCeiling(rate: number, name: CeilingName): string {
  return `${formatRate(rate)}${name === 'read' ? 'B/s' : name === 'int8' ? 'OP/s' : 'FLOP/s'}`;
}
