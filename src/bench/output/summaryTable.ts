import type { BenchResult, CeilingsRecord, CellRecord } from '../schema/benchResult.js';
import { METRICS } from '../schema/metrics.js';
import { figure, formatRate, shownUnit, significant } from './figures.js';
import { phaseRooflines } from './phaseRoofline.js';

/** A table of figures before it has a shape: text, Markdown or HTML. */
export interface FigureTable {
  readonly header: readonly string[];
  /** The first column is a title, the others are figures. */
  readonly rows: readonly (readonly string[])[];
}

/** Metrics that make a summary; the rest is in the ledger. */
const HEADLINE_METRICS: ReadonlySet<string> = new Set([
  ...['total', 'encode', 'decode', 'rt_factor', 'per_layer', 'first_token', 'tokens_per_second', 'memory'],
]);

/** The headline metrics of a cell with their statistics; percentiles only where the runs support them. */
export function summaryTable(cell: CellRecord): FigureTable {
  const summary = cell.summary ?? {};
  const metrics = METRICS.filter(({ name }) => HEADLINE_METRICS.has(name) && summary[name] !== undefined);
  const percents = Object.values(summary)[0]?.percentiles.filter(({ supported }) => supported) ?? [];
  const rows = metrics.flatMap((metric) => {
    const of = summary[metric.name];
    if (of === undefined) return [];
    const show = (value: number) => figure(value, metric);
    const interval =
      of.medianInterval === null ? '–' : `${show(of.medianInterval.low)} … ${show(of.medianInterval.high)}`;
    const tails = of.percentiles.flatMap((entry) => (entry.supported ? [show(entry.value)] : []));
    return [
      [
        metric.name,
        show(of.median),
        interval,
        show(of.mean),
        show(of.mad),
        show(of.min),
        show(of.max),
        ...tails,
        shownUnit(metric),
      ],
    ];
  });
  const tailHeaders = percents.map(({ percent }) => `p${percent}`);
  return {
    header: ['', 'median', '95 % interval', 'mean', 'MAD', 'min', 'max', ...tailHeaders, 'unit'],
    rows,
  };
}

/**
 * The phases of a cell: median time and share of the median run; where work and ceilings are known also the rates it
 * reached, and their share of what the machine could.
 */
export function ledgerTable(cell: CellRecord, result: BenchResult): FigureTable {
  const total = cell.summary?.['total']?.median ?? cell.summary?.['encode']?.median;
  const points = new Map(phaseRooflines(cell, result).map((point) => [point.phase, point]));
  const rows = LEDGER_METRICS.flatMap((name) => {
    const of = cell.summary?.[name];
    if (of === undefined || total === undefined) return [];
    const plain = [name, significant(of.median), `${((100 * of.median) / total).toFixed(1)} %`];
    const point = points.get(name);
    if (points.size === 0) return [plain];
    if (point === undefined) return [[...plain, '–', '–', '–', '']];
    const rates = [`${formatRate(point.flopsPerSecond)}FLOP/s`, `${formatRate(point.bytesPerSecond)}B/s`];
    return [[...plain, ...rates, `${(100 * point.share).toFixed(0)} %`, point.limit]];
  });
  const rates = points.size === 0 ? [] : ['arithmetic', 'read', 'of ceiling', 'limit'];
  return { header: ['phase', 'median ms', 'share', ...rates], rows };
}

/** The phases by the name of their metric. */
export const LEDGER_METRICS = [
  ...['load', 'audio_decode', 'resample', 'mel', 'conv_stem', 'encoder_layers'],
  ...['prefill', 'decode_steps', 'detokenize', 'other'],
] as const;

/** What the machine reaches by itself. */
export function ceilingsTable(ceilings: readonly CeilingsRecord[]): FigureTable {
  const rate = (value: number | null, unit: string) => (value === null ? '–' : `${formatRate(value)}${unit}`);
  return {
    header: ['ceilings', 'read', 'f32', 'bf16', 'int8'],
    rows: ceilings.map((one) => [
      `${one.backend} ${one.isa}, ${one.threads} thread(s)`,
      rate(one.readBytesPerSecond, 'B/s'),
      rate(one.f32FlopsPerSecond, 'FLOP/s'),
      rate(one.bf16FlopsPerSecond, 'FLOP/s'),
      rate(one.int8OpsPerSecond, 'OP/s'),
    ]),
  };
}
