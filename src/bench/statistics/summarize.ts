import {
  checkConfidence,
  checkSample,
  FEWEST_FOR_MEAN_INTERVAL,
  type Interval,
  mean,
  meanInterval,
  median,
  medianAbsoluteDeviation,
  type Outlier,
  standardDeviation,
  tukeyFences,
} from './descriptive.js';
import { type Percentile, percentile, quantileInterval, runsForMedianInterval } from './orderStatistics.js';

/** Settings of a summary. */
export interface SummaryOptions {
  /** Of every interval; 0.95 when left out. */
  readonly confidence?: number;
  /** Tail percentiles to look for, in percent; 90 and 99 when left out. */
  readonly percents?: readonly number[];
}

/** What a set of runs says, and what it is too small to say. Times keep the unit of the sample. */
export interface Summary {
  readonly runs: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Student's; null for fewer than three runs. `meanInterval` says what it covers. */
  readonly meanInterval: Interval | null;
  readonly median: number;
  /** Between two order statistics, free of assumptions; null for fewer than 6 runs at 95 %. */
  readonly medianInterval: Interval | null;
  /** Median absolute deviation, not scaled; times 1.4826 it estimates the standard deviation of normal data. */
  readonly mad: number;
  /** Null for one run. */
  readonly standardDeviation: number | null;
  readonly percentiles: readonly Percentile[];
  /** Runs outside Tukey's fences: named here, kept everywhere. Needs 4 runs. */
  readonly outliers: readonly Outlier[];
  /** One sentence for each figure that this many runs cannot support, for the output. */
  readonly notes: readonly string[];
}

/**
 * Sums up the runs of one benchmark: location, spread, intervals, percentiles and outliers, each only where the
 * number of runs supports it; for what is left out `notes` says how many runs it takes.
 *
 * @param values times or other figures, one a run, in the order they were measured; at least one, all finite
 * @throws QwenAsrError `usage` for an empty sample, one that is not finite, or a bad confidence
 * @example
 * const summary = summarize([1788, 1801, 1812, 1815, 1842]);
 * summary.median; // 1812
 * summary.notes[0]; // 'a 95 % interval of the median needs 6 runs, this sample has 5'
 */
export function summarize(values: readonly number[], options: SummaryOptions = {}): Summary {
  const { confidence = 0.95, percents = [90, 99] } = options;
  checkSample(values, 1, 'summary');
  checkConfidence(confidence);
  const runs = values.length;
  const percentiles = percents.map((percent) => percentile(values, percent, confidence));
  const medianInterval = quantileInterval(values, 0.5, confidence);
  return {
    runs,
    min: values.reduce((least, value) => Math.min(least, value)),
    max: values.reduce((most, value) => Math.max(most, value)),
    mean: mean(values),
    meanInterval: runs < FEWEST_FOR_MEAN_INTERVAL ? null : meanInterval(values, confidence),
    median: median(values),
    medianInterval,
    mad: medianAbsoluteDeviation(values),
    standardDeviation: runs < 2 ? null : standardDeviation(values),
    percentiles,
    outliers: runs < 4 ? [] : tukeyFences(values).outliers,
    notes: [...(medianInterval === null ? [medianNote(runs, confidence)] : []), ...explanations(percentiles)],
  };
}

function medianNote(runs: number, confidence: number): string {
  const percent = Number((100 * confidence).toFixed(3));
  return `a ${percent} % interval of the median needs ${runsForMedianInterval(confidence)} runs, this sample has ${runs}`;
}

function explanations(percentiles: readonly Percentile[]): string[] {
  return percentiles.flatMap((entry) => (entry.supported ? [] : [entry.explanation]));
}
