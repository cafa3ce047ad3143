import { type CorpusScore, joinScores } from '../accuracy/scoreCorpus.js';
import type { BenchResult, CellRecord, CellSettings, SetRecord } from '../schema/benchResult.js';
import { findMetric, LIVE_SAMPLES, METRICS, type MetricContext, metricValues } from '../schema/metrics.js';
import { OLDER_SETTINGS } from '../settings/storedSettings.js';
import { type Summary, summarize } from '../statistics/summarize.js';
import { firstTextsOf, summarizeLoad } from './summarizeLoad.js';

/** The same result with the summary of every cell computed from its runs, and the sets from the cells. */
export function summarizeResult(result: BenchResult): BenchResult {
  const firstTexts = firstTextsOf(result);
  return {
    ...result,
    cells: result.cells.map((cell) => ({
      ...cell,
      summary: summarizeCell(cell, result),
      ...(cell.settings.endpoint != null && { load: summarizeLoad(cell, firstTexts) }),
      ...(cell.settings.stream === true && { streamSummary: summarizeStreams([cell]) }),
    })),
    sets: recordingSets(result),
  };
}

/** The runs summed up by metric, without the metrics that not every run tells; null without a run. */
export function summarizeCell(
  cell: CellRecord,
  result: Pick<BenchResult, 'models' | 'audio'>,
): Readonly<Record<string, Summary>> | null {
  if (cell.runs.length === 0) return null;
  const context = metricContext(cell, result);
  // How many sessions hold a delay is said of its p95.
  const isLive = cell.settings.protocol === 'realtime';
  const summaries: Record<string, Summary> = {};
  for (const metric of METRICS) {
    const values = metricValues(metric, cell, context);
    if (values === null) continue;
    summaries[metric.name] = summarize(values, isLive ? { percents: [90, 95, 99] } : {});
  }
  return summaries;
}

/** Tails of the delays that readers of live text see. */
const LIVE_PERCENTS = [95, 99];

/** Every segment, word and step of the live runs of some cells summed up; null without any. */
function summarizeStreams(cells: readonly CellRecord[]): Readonly<Record<string, Summary>> | null {
  const streams = cells.flatMap(({ runs }) => runs.flatMap(({ stream }) => stream ?? []));
  const summaries = LIVE_SAMPLES.flatMap(({ name, of }) => {
    const values = streams.flatMap((stream) => of(stream));
    return values.length === 0 ? [] : [[name, summarize(values, { percents: LIVE_PERCENTS })] as const];
  });
  return summaries.length === 0 ? null : Object.fromEntries(summaries);
}

/** What the metrics of a cell need of the document around it. */
export function metricContext(
  { settings }: Pick<CellRecord, 'settings'>,
  { models, audio }: Pick<BenchResult, 'models' | 'audio'>,
): MetricContext {
  return {
    audioDurationMs: audio.find(({ id }) => id === settings.audio)?.durationMs ?? Number.NaN,
    encoderLayers: models.find(({ id }) => id === settings.model)?.encoderLayers ?? null,
  };
}

/** One value a run, or null when a run does not tell. */
export function valuesOf(metric: string, cell: CellRecord, result: BenchResult): number[] | null {
  const found = findMetric(metric);
  return found === undefined ? null : metricValues(found, cell, metricContext(cell, result));
}

/** The metric that stands for a run as a whole: `encode` for the encoder alone, the median `step` of a live run. */
export function wholeMetric(cell: CellRecord): string {
  if (cell.settings.stream === true) return 'step';
  return cell.settings.mode === 'encoder' ? 'encode' : 'total';
}

/** Median of a metric of a cell; null when it has none. */
export function medianOf(metric: string, cell: CellRecord): number | null {
  return cell.summary?.[metric]?.median ?? null;
}

/**
 * Recordings that were measured with otherwise equal settings, taken together: total time and real-time factor (sum of
 * the times ÷ sum of the durations) and error rates, from the rounds in which every one of them was run. Random weights decode more tokens
 * the longer a recording is; that alone does not set recordings apart. The encoder alone has no real-time factor, and
 * external commands measure what they like.
 *
 * @returns a set for each setting with at least two recordings; none where cells were not run in rounds
 */
export function recordingSets(result: Pick<BenchResult, 'audio' | 'cells'>): SetRecord[] {
  return groups(result).flatMap((cells) => setOf(cells, result) ?? []);
}

function groups({ audio, cells }: Pick<BenchResult, 'audio' | 'cells'>): CellRecord[][] {
  const recordings = new Set(audio.filter(({ path }) => path !== null).map(({ id }) => id));
  const measured = cells.filter(
    ({ settings, runs }) =>
      settings.mode === 'pipeline' && recordings.has(settings.audio ?? '') && runs.length > 0,
  );
  return groupBy(measured, ({ settings }) => settingsKey(settings)).flatMap((group) => {
    const repeats = new Set(group.map(({ settings }) => settings.audio)).size < group.length;
    return repeats ? groupBy(group, ({ settings }) => String(settings.exactTokens)) : [group];
  });
}

/** Everything that was chosen, but for the recording and the tokens that follow from it. */
function settingsKey({ audio: _audio, exactTokens: _tokens, ...settings }: CellSettings): string {
  return JSON.stringify({ ...OLDER_SETTINGS, ...settings });
}

function groupBy(cells: readonly CellRecord[], keyOf: (cell: CellRecord) => string): CellRecord[][] {
  const found = new Map<string, CellRecord[]>();
  for (const cell of cells) {
    const key = keyOf(cell);
    const group = found.get(key);
    if (group === undefined) found.set(key, [cell]);
    else group.push(cell);
  }
  return [...found.values()];
}

function setOf(cells: readonly CellRecord[], { audio }: Pick<BenchResult, 'audio'>): SetRecord | null {
  const recordings = new Set(cells.map(({ settings }) => settings.audio));
  if (cells.length < 2 || recordings.size < cells.length) return null;
  const totalsMs = roundTotals(cells);
  if (totalsMs.length === 0) return null;
  const audioMs = sum(audio.filter(({ id }) => recordings.has(id)).map(({ durationMs }) => durationMs));
  return {
    cells: cells.map(({ id }) => id),
    audioMs,
    totalsMs,
    accuracy: joinedScores(cells.map(({ accuracy }) => accuracy)),
    ...(cells[0]?.settings.stream === true && {
      streamSummary: summarizeStreams(cells),
      offlineAccuracy: joinedScores(cells.map(({ offlineAccuracy }) => offlineAccuracy)),
      agreement: joinedScores(cells.map(({ agreement }) => agreement)),
    }),
    // By the world's clock recordings last as long as they are, however fast the machine is.
    summary:
      cells[0]?.settings.pace === 'recording'
        ? {}
        : {
            total: summarize(totalsMs),
            rt_factor: summarize(totalsMs.map((totalMs) => totalMs / audioMs)),
          },
  };
}

/** A score for those that are counted in words, and one for those that are counted in characters. */
function joinedScores(all: readonly CellRecord['accuracy' | 'agreement'][]): CorpusScore[] {
  const scores = all.flatMap((score) => score ?? []);
  return (['wer', 'cer'] as const).flatMap((metric) => {
    const own = scores.filter((score) => score.metric === metric);
    return own.length === 0 ? [] : [joinScores(own)];
  });
}

/** The wall times of all cells together, for each round that all of them have run. */
function roundTotals(cells: readonly CellRecord[]): number[] {
  const byRound = cells.map(
    ({ runs }) =>
      new Map(runs.flatMap(({ round, totalMs }) => (round === null ? [] : [[round, totalMs] as const]))),
  );
  const rounds = [...(byRound[0]?.keys() ?? [])];
  return rounds.flatMap((round) => {
    const times = byRound.flatMap((cell) => cell.get(round) ?? []);
    return times.length < cells.length ? [] : [sum(times)];
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
