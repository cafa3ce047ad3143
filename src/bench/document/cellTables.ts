import { ONCE_PHASES, PHASES, type Phase } from '../phases.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { findMetric, LIVE_METRICS, METRICS } from '../schema/metrics.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { FigureTable, Tile } from './block.js';
import { figure, MEBIBYTE, shownTitle, shownUnit, significant } from './figures.js';

const LIVE_NAMES = LIVE_METRICS.map(({ name }) => name);

/** Metrics that make a summary; the rest is in the ledger. */
const HEADLINE_METRICS: ReadonlySet<string> = new Set([
  ...[
    'total',
    'process',
    'encode',
    'decode',
    'rt_factor',
    'per_layer',
    'first_token',
    'tokens_per_second',
    'audio_rate',
    'memory',
    ...LIVE_NAMES,
  ],
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
        shownTitle(metric),
        show(of.median),
        interval,
        show(of.mean),
        show(of.mad),
        show(of.min),
        show(of.max),
        ...tails,
      ],
    ];
  });
  const tailHeaders = percents.map(({ percent }) => `p${percent}`);
  return {
    header: ['', 'median', '95 % interval', 'mean', 'MAD', 'min', 'max', ...tailHeaders],
    rows,
  };
}

/**
 * The phases of a cell: what was done once before the runs, then median times and shares of the median run, with the
 * peak of memory where it is known.
 */
export function ledgerTable(cell: CellRecord): FigureTable {
  const total = cell.summary?.['total']?.median ?? cell.summary?.['encode']?.median;
  if (total === undefined) return { header: [], rows: [] };
  const hasMemory = cell.runs.some(({ memory }) => memory !== null);
  const columns = (title: string, timeMs: number, share: string, peak: number | null): string[] => {
    const shown = peak === null ? '–' : significant(peak / MEBIBYTE);
    return [title, significant(timeMs), share, ...(hasMemory ? [shown] : [])];
  };
  // The title says so, because it is no part of a run.
  const before = ONCE_PHASES.flatMap(({ id, metric }) => {
    const ms = cell.setup[`${id}Ms`];
    return ms === null ? [] : [columns(`${metric}, once`, ms, '–', cell.setup.memory?.[id] ?? null)];
  });
  const rows = PHASES.flatMap((phase) => {
    const median = cell.summary?.[phase.metric]?.median;
    if (median === undefined) return [];
    const share = `${((100 * median) / total).toFixed(1)} %`;
    return [columns(phase.metric, median, share, peakOf(cell, phase))];
  });
  const header = ['phase', 'median ms', 'share', ...(hasMemory ? ['peak MiB'] : [])];
  return { header, rows: [...before, ...rows] };
}

/** The most memory that any run had while a phase was on; null where no run tells. */
function peakOf({ runs }: CellRecord, { id, part }: Phase): number | null {
  if (part === null) return null;
  const peaks = runs.map(({ memory }) => memory?.[id] ?? null).filter((peak) => peak !== null);
  return peaks.length === 0 ? null : Math.max(...peaks);
}

/** Every run with its main figures, warm-ups included. */
export function rawTable({ cells }: BenchResult): FigureTable {
  const rows = cells.flatMap((cell) => [
    ...cell.warmups.map((run, index) => rawRow(cell.id, `warm-up ${index + 1}`, run)),
    ...cell.runs.map((run, index) => rawRow(cell.id, String(index + 1), run)),
  ]);
  return {
    header: [
      'cell',
      'run',
      'total ms',
      'encode ms',
      'decode ms',
      'first token ms',
      'tokens',
      'token hash',
      'disturbed by',
    ],
    rows,
  };
}

function rawRow(cell: string, index: string, run: RunRecord): string[] {
  const ms = (value: number | null) => (value === null ? '–' : significant(value));
  const { totalMs, encodeMs, decodeMs, firstTokenMs, tokens, tokenHash, interference } = run;
  return [
    cell,
    index,
    ms(totalMs),
    ms(encodeMs),
    ms(decodeMs),
    ms(firstTokenMs),
    tokens === null ? '–' : String(tokens),
    tokenHash === null ? '–' : tokenHash.slice(0, 8),
    interference === null ? '' : interference.reasons.join(', '),
  ];
}

/** The figures that a single benchmark is remembered by. */
const TILES = [
  'total',
  'rt_factor',
  'encode',
  'decode',
  'per_layer',
  'first_token',
  'tokens_per_second',
  'audio_rate',
  ...LIVE_NAMES,
  'memory',
];

/** The headline figures of a cell. */
export function tilesOf(cell: CellRecord): Tile[] {
  const shown = TILES.flatMap((name): Tile[] => {
    const metric = findMetric(name);
    const summary = cell.summary?.[name];
    if (metric === undefined || summary === undefined) return [];
    const { median, medianInterval, min, max } = summary;
    const [low, high] = medianInterval === null ? [min, max] : [medianInterval.low, medianInterval.high];
    const range = `${figure(low, metric)} … ${figure(high, metric)}${medianInterval === null ? ' (all runs)' : ''}`;
    const value = figure(median, metric);
    return [{ title: metric.title, value, unit: shownUnit(metric), range: low === high ? '' : range }];
  });
  const { accuracy } = cell;
  if (accuracy === null) return shown;
  const counts = `S ${accuracy.substitutions}, I ${accuracy.insertions}, D ${accuracy.deletions}`;
  const rate = (share: number) => ({ value: significant(100 * share), unit: '%' });
  return [
    ...shown,
    { title: 'word error rate', ...rate(accuracy.wer), range: counts },
    { title: 'character error rate', ...rate(accuracy.cer), range: '' },
  ];
}
