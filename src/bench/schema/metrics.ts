import { audioRates } from '../analysis/audioRate.js';
import { PHASES, phaseMs } from '../phases.js';
import { median } from '../statistics/descriptive.js';
import type { CellRecord } from './benchResult.js';
import { hasFailed, isWholeProcess, type RunRecord } from './runRecord.js';
import type { StreamRecord } from './streamRecord.js';

/** What a metric needs to know beside the run. */
export interface MetricContext {
  readonly audioDurationMs: number;
  /** Null when the model is unknown. */
  readonly encoderLayers: number | null;
}

/** A figure that every run has one of, or a cell several. */
export interface Metric {
  /** What the command line calls it: `encode` in `--fail-if 'encode>+5%'`. */
  readonly name: string;
  readonly title: string;
  readonly unit: 'ms' | 'ms/layer' | 'x RT' | 'x' | '%' | 'tokens/s' | 'bytes' | 'audio s/s';
  readonly better: 'lower' | 'higher';
  /** Null when this run does not tell. */
  readonly of: (run: RunRecord, context: MetricContext) => number | null;
  /** Of the cell instead; null when it does not tell. */
  readonly ofCell?: (cell: Pick<CellRecord, 'runs' | 'warmups' | 'settings'>) => number[] | null;
}

function time(name: string, title: string, of: Metric['of']): Metric {
  return { name, title, unit: 'ms', better: 'lower', of };
}

/** What a live transcription is summed up by: a value for each of its segments, words or steps. */
export const LIVE_SAMPLES = [
  {
    ...{ name: 'first_words', field: 'firstWordsMs', title: 'first words' },
    of: ({ segments }: StreamRecord) => segments.flatMap(({ firstWordsMs }) => firstWordsMs ?? []),
  },
  {
    ...{ name: 'commit_delay', field: 'commitDelayMs', title: 'committed behind speech' },
    of: ({ commitDelaysMs }: StreamRecord) => commitDelaysMs,
  },
  {
    ...{ name: 'final_delay', field: 'finalDelayMs', title: 'final text behind speech' },
    of: ({ segments }: StreamRecord) => segments.map(({ finalMs }) => finalMs),
  },
  {
    ...{ name: 'step', field: 'stepMs', title: 'step' },
    of: ({ steps }: StreamRecord) => steps.map(({ stepMs }) => stepMs),
  },
] as const;

/** Of a run that has them. */
function ofStream(of: (stream: StreamRecord) => number | null): Metric['of'] {
  return ({ stream }) => (stream == null ? null : of(stream));
}

function longestStep({ steps }: StreamRecord): number | null {
  return steps.length === 0 ? null : steps.reduce((longest, { stepMs }) => Math.max(longest, stepMs), 0);
}

/** Medians over what happens in a live run, and what its slowest step leaves. */
export const LIVE_METRICS: readonly Metric[] = [
  ...LIVE_SAMPLES.map(({ name, title, of }) =>
    time(
      name,
      title,
      ofStream((stream) => (of(stream).length === 0 ? null : median(of(stream)))),
    ),
  ),
  time('longest_step', 'longest step', ofStream(longestStep)),
  {
    ...{ name: 'headroom', title: 'head-room', unit: 'x', better: 'higher' },
    of: ofStream((stream) => {
      const longest = longestStep(stream);
      return longest === null ? null : stream.chunkMs / longest;
    }),
  },
  {
    ...{ name: 'revised', title: 'revised tokens', unit: '%', better: 'lower' },
    of: ofStream(({ revisedTokens, shownTokens }) =>
      revisedTokens === null || shownTokens === null || shownTokens === 0
        ? null
        : (100 * revisedTokens) / shownTokens,
    ),
  },
];

/** Tokens that the decode steps gave; the others come from prefill. */
function tokensOfSteps({ decodeStepsMs, decodeStepRows }: RunRecord): number {
  return decodeStepRows?.reduce((total, rows) => total + rows, 0) ?? decodeStepsMs.length;
}

/** All metrics, the most asked for first: the keys of a cell's `summary` and what comparisons are made by. */
export const METRICS: readonly Metric[] = [
  time('total', 'total', (run) => (isWholeProcess(run) ? null : run.totalMs)),
  time('encode', 'encode', (run) => run.encodeMs),
  time('decode', 'decode', (run) => run.decodeMs),
  {
    name: 'rt_factor',
    title: 'real-time factor',
    unit: 'x RT',
    better: 'lower',
    // Of a request the time is not that of its audio alone.
    of: (run, { audioDurationMs }) =>
      isWholeProcess(run) || run.request != null ? null : run.totalMs / audioDurationMs,
  },
  {
    name: 'per_layer',
    title: 'encoder layer',
    unit: 'ms/layer',
    better: 'lower',
    of: (run, { encoderLayers }) =>
      run.encodeMs === null || encoderLayers === null ? null : run.encodeMs / encoderLayers,
  },
  time('first_token', 'first token', (run) => run.firstTokenMs),
  {
    name: 'tokens_per_second',
    title: 'decode rate',
    unit: 'tokens/s',
    better: 'higher',
    of: (run) => {
      const sum = run.decodeStepsMs.reduce((total, ms) => total + ms, 0);
      return sum > 0 ? (1000 * tokensOfSteps(run)) / sum : null;
    },
  },
  {
    name: 'audio_rate',
    title: 'audio a second',
    unit: 'audio s/s',
    better: 'higher',
    of: () => null,
    ofCell: audioRates,
  },
  time('process', 'whole process', (run) => run.commandMs),
  ...LIVE_METRICS,
  ...PHASES.map(({ id, metric, title }) => time(metric, title, ({ phases }) => phaseMs(phases, id))),
  {
    name: 'memory',
    title: 'peak memory',
    unit: 'bytes',
    better: 'lower',
    of: (run) => run.memory?.run ?? null,
  },
];

/** The metric of that name, or undefined. */
export function findMetric(name: string): Metric | undefined {
  return METRICS.find((metric) => metric.name === name);
}

const WHOLE_METRICS: ReadonlySet<string> = new Set(['total', 'rt_factor']);

/**
 * One value a run, in their order; requests that were not answered have none.
 *
 * @returns null when there is no run, or one that does not tell
 */
export function metricValues(
  metric: Metric,
  cell: Pick<CellRecord, 'runs' | 'warmups' | 'settings'>,
  context: MetricContext,
): number[] | null {
  // Of the encoder alone, total and encode are one figure, and a real-time factor would promise a transcript.
  const encoderOnly = cell.settings.mode === 'encoder';
  if (encoderOnly ? WHOLE_METRICS.has(metric.name) : metric.name === 'per_layer') return null;
  // By the world's clock a live run lasts as long as its recording, however fast the machine is.
  if (cell.settings.pace === 'recording' && WHOLE_METRICS.has(metric.name)) return null;
  if (metric.ofCell !== undefined) return metric.ofCell(cell);
  const values: number[] = [];
  for (const run of cell.runs) {
    if (hasFailed(run)) continue;
    const value = metric.of(run, context);
    if (value === null || !Number.isFinite(value)) return null;
    values.push(value);
  }
  return values.length === 0 ? null : values;
}
