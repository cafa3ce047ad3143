import type { CorpusScore } from '../accuracy/scoreCorpus.js';
import type { TranscriptScore } from '../accuracy/scoreTranscript.js';
import { recordingSets } from '../analysis/summarizeResult.js';
import type { BenchResult, CellRecord, SetRecord } from '../schema/benchResult.js';
import type { AccuracyRecord } from '../schema/figureRecords.js';
import { findMetric, LIVE_METRICS } from '../schema/metrics.js';
import { FEWEST_LENGTHS, fitOverhead, type OverheadRun } from '../statistics/leastSquares.js';
import type { FigureTable } from './block.js';
import { figure, shownTitle, significant } from './figures.js';
import { cellTitles, RECORDING_AXES, setTitles, sweepAxes, sweepSeries } from './sweepAxes.js';

/** Columns of the table: the medians that sweeps are made for. */
const COLUMNS = [
  'total',
  'encode',
  'decode',
  'rt_factor',
  'first_token',
  'tokens_per_second',
  'process',
  ...LIVE_METRICS.map(({ name }) => name),
];

/** All measured cells of a sweep in one table, a row each: what varies, and the medians. */
export function sweepTable(result: BenchResult): FigureTable {
  // What is compared is named as the user did.
  const axes = result.kind === 'comparison' ? [] : sweepAxes(result);
  const titleOf = cellTitles(result);
  const metrics = COLUMNS.flatMap((name) => {
    const metric = findMetric(name);
    const told = result.cells.some((cell) => cell.summary?.[name] !== undefined);
    return metric !== undefined && told ? [metric] : [];
  });
  // The first is what a table is read for: total, or encode for the encoder alone.
  const whole = metrics[0]?.name;
  // A cell without runs has nothing to show, and what it was to have may not be known.
  const measured = result.cells.filter(({ runs }) => runs.length > 0);
  const rows = measured.map((cell) => {
    const medians = metrics.flatMap((metric) => {
      const summary = cell.summary?.[metric.name];
      const median = summary === undefined ? '–' : figure(summary.median, metric);
      return metric.name === whole ? [median, spread(cell, metric.name)] : [median];
    });
    const varied = axes.map(({ of }) => String(of(cell) ?? '–'));
    return [...(axes.length === 0 ? [titleOf(cell)] : varied), String(cell.runs.length), ...medians];
  });
  const titles = metrics.flatMap((metric) => {
    const title = shownTitle(metric);
    return metric.name === whole ? [title, '±'] : [title];
  });
  const names = axes.length === 0 ? ['cell'] : axes.map(({ name }) => name);
  // A name says what conditions call it; where it does not fit its unit says what it is.
  const short = titles.map((title) => SHORT_TITLES[title] ?? title);
  return {
    header: [...names, 'runs', ...titles],
    shortHeader: [...names, 'runs', ...short],
    rows,
    keyColumns: names.length,
  };
}

const SHORT_TITLES: Readonly<Record<string, string>> = {
  rt_factor: 'x RT',
  'first_token ms': 'first token ms',
  tokens_per_second: 'tokens /s',
  'first_words ms': 'first words ms',
  'commit_delay ms': 'commit delay ms',
  'final_delay ms': 'final delay ms',
  'longest_step ms': 'longest step ms',
  headroom: 'head- room x',
  revised: 'revised %',
};

/** The larger side of the median's interval, in percent; a dash without one. */
function spread(cell: CellRecord, metric: string): string {
  const summary = cell.summary?.[metric];
  if (summary === undefined || summary.medianInterval === null || summary.median === 0) return '–';
  const { low, high } = summary.medianInterval;
  const reach = Math.max(high - summary.median, summary.median - low) / summary.median;
  return `${(100 * reach).toFixed(1)} %`;
}

/** All recordings of each setting together: how many, how much audio, medians of time and real-time factor; null without a set. */
export function setTable(result: BenchResult): FigureTable | null {
  const sets = recordingSets(result);
  if (sets.length === 0) return null;
  const axes = sweepAxes(result).filter(
    ({ name }) => !RECORDING_AXES.has(name) && tellsApart(name, sets, result),
  );
  const rows = sets.map((set) => {
    const { total, rt_factor: factor } = set.summary;
    const [first] = cellsOf(set, result);
    return [
      ...axes.map(({ of }) => String((first && of(first)) ?? '–')),
      String(set.cells.length),
      (set.audioMs / 1000).toFixed(1),
      String(set.totalsMs.length),
      total === undefined ? '–' : significant(total.median),
      factor === undefined ? '–' : significant(factor.median),
      factor === undefined ? '–' : `${significant(factor.min)} … ${significant(factor.max)}`,
    ];
  });
  const figures = ['recordings', 'audio s', 'rounds', 'total ms', 'rt_factor x RT', 'min … max'];
  return { header: [...axes.map(({ name }) => name), ...figures], rows };
}

/** An axis that has one value in each set; tokens of random weights have one for each recording. */
function tellsApart(name: string, sets: readonly SetRecord[], result: BenchResult): boolean {
  const axis = sweepAxes(result).find((one) => one.name === name);
  return sets.every((set) => new Set(cellsOf(set, result).map((cell) => axis?.of(cell))).size === 1);
}

function cellsOf({ cells }: SetRecord, result: BenchResult) {
  return result.cells.filter(({ id }) => cells.includes(id));
}

/**
 * What a run costs by itself, for each second and for each token, one row a line of a length sweep. Null without one: of
 * different recordings, whose lengths differ and what is said too, no line can be drawn.
 */
export function overheadTable(result: BenchResult): FigureTable | null {
  const axis = sweepAxes(result).find(({ name }) => name === 'seconds');
  if (result.kind !== 'sweep' || axis === undefined) return null;
  const rows = sweepSeries(result, axis).flatMap(({ title, points }) => {
    if (new Set(points.map(({ x }) => x)).size < FEWEST_LENGTHS) return [];
    if (new Set(points.map(({ cell }) => soundOf(cell, result))).size > 1) return [];
    const runs = points.flatMap(({ x, cell }) => overheadRuns(x, cell));
    const { fixedMs, msPerSecond, msPerToken, rSquared } = fitOverhead(runs);
    const show = (one: { value: number; low: number; high: number }) =>
      `${significant(one.value)} (${significant(one.low)} … ${significant(one.high)})`;
    return [
      [
        title === '' ? 'all cells' : title,
        show(fixedMs),
        show(msPerSecond),
        msPerToken === null ? '–' : show(msPerToken),
        rSquared.toFixed(4),
      ],
    ];
  });
  if (rows.length === 0) return null;
  return { header: ['', 'fixed ms', 'ms a second', 'ms a token', 'R²'], rows };
}

/** What is heard, whatever its length: silence, or a recording. */
function soundOf({ settings }: CellRecord, { audio }: BenchResult): string | null {
  return audio.find(({ id }) => id === settings.audio)?.path ?? null;
}

function overheadRuns(audioSeconds: number, { runs }: CellRecord): OverheadRun[] {
  return runs.map(({ totalMs, tokens }) => ({ totalMs, audioSeconds, tokens: tokens ?? 0 }));
}

/**
 * The error rates of every cell that has a reference text, and below them those of all recordings of a setting
 * together: a row for those that are counted in words, and one for those that are counted in characters. Null without
 * any.
 */
export function accuracyTable(result: BenchResult): FigureTable | null {
  const titleOf = cellTitles(result);
  const cells = result.cells.flatMap((cell) => rateRows(titleOf(cell), cell));
  const rows = [...cells, ...togetherRows(result)];
  if (rows.length === 0) return null;
  return { header: ['accuracy', 'WER', 'CER', '95 % interval', 'S', 'I', 'D', 'of'], rows };
}

/** The rates of a cell; of a live one also those of the offline text, and how far the two agree. */
function rateRows(title: string, { accuracy, offlineAccuracy, agreement }: CellRecord): string[][] {
  const scores = [
    ['', accuracy],
    [OFFLINE, offlineAccuracy],
    [AGREEMENT, agreement],
  ] as const;
  return scores.flatMap(([suffix, score]) => (score == null ? [] : [rateRow(title + suffix, score)]));
}

const OFFLINE = ', offline';
const AGREEMENT = ', live against offline';

function togetherRows(result: BenchResult): string[][] {
  const sets = recordingSets(result).filter(
    ({ accuracy, agreement = [] }) => accuracy.length + agreement.length > 0,
  );
  const titleOf = setTitles(result, sets);
  if (sets.length > 0) {
    return sets.flatMap((set) => {
      const rows = (scores: readonly CorpusScore[] = [], suffix = '') =>
        scores.map((score) => rateRow(togetherTitle(score, titleOf(set)) + suffix, score));
      return [
        ...rows(set.accuracy),
        ...rows(set.offlineAccuracy, OFFLINE),
        ...rows(set.agreement, AGREEMENT),
      ];
    });
  }
  return result.accuracy === null ? [] : [rateRow(togetherTitle(result.accuracy, ''), result.accuracy)];
}

function togetherTitle({ utterances }: CorpusScore, setting: string): string {
  const count = `${utterances.length} ${utterances.length === 1 ? 'recording' : 'recordings'}`;
  return setting === '' ? `all ${count}` : `${setting}: all ${count}`;
}

type Rates = Omit<CorpusScore, 'utterances'> | TranscriptScore;

function rateRow(title: string, score: Rates): string[] {
  const { metric, wer, cer, ci, substitutions, insertions, deletions } = score;
  const interval =
    ci === null ? '–' : `${metric.toUpperCase()} ${formatErrorRate(ci.low)} … ${formatErrorRate(ci.high)}`;
  const tokens =
    metric === 'cer' ? `${score.referenceCharacters} characters` : `${score.referenceWords} words`;
  const counts = [substitutions, insertions, deletions].map(String);
  return [title, formatErrorRate(wer), formatErrorRate(cer), interval, ...counts, tokens];
}

/** An error rate in percent, with one decimal. */
function formatErrorRate(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}

/** The error rates of a single cell in a line, with the text they are of. */
export function accuracySentence(accuracy: AccuracyRecord): string {
  const { metric, wer, cer, substitutions, insertions, deletions, ci, reference, rules } = accuracy;
  const interval =
    ci === null
      ? ''
      : `  ${metric.toUpperCase()} 95 % ${formatErrorRate(ci.low)} … ${formatErrorRate(ci.high)}`;
  const errors = `S ${substitutions}, I ${insertions}, D ${deletions}`;
  // What older files do not name was normalised by the first versions of the rules.
  const by = rules === undefined ? '' : `; rules ${rules}`;
  return `WER ${formatErrorRate(wer)}  CER ${formatErrorRate(cer)}${interval}  (${errors}; ${reference}${by})`;
}
