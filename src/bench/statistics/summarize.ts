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
  quantile,
  sortAscending,
  standardDeviation,
  tukeyFences,
} from './descriptive.js';
import { binomialCdf } from './distributions.js';

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

/** A distribution-free interval of a quantile, and which of the sorted values its ends are. */
export interface OrderStatisticInterval extends Interval {
  /** 1-based rank of the lower end among the sorted values. */
  readonly lowRank: number;
  /** 1-based rank of the upper end. */
  readonly highRank: number;
  /** The probability with which it covers the quantile of any continuous distribution; at least `confidence`. */
  readonly coverage: number;
}

/**
 * The confidence interval of a quantile between two of the sorted values (Thompson 1936; Conover 1999, §3.2; Le
 * Boudec 2010, §2.2). The number of values below the true quantile is binomial whatever the distribution, so each
 * tail is cut at no more than (1 − confidence) / 2. Nothing about the shape of the times is assumed.
 *
 * @param values the sample, in any order
 * @param probability the quantile, 0 < probability < 1; ½ is the median
 * @returns null when the sample is too small: then not even the smallest and largest value are far enough apart
 * @example
 * quantileInterval([6, 1, 5, 2, 4, 3]); // the median lies in 1 … 6 with 96.9 %
 */
export function quantileInterval(
  values: readonly number[],
  probability = 0.5,
  confidence = 0.95,
): OrderStatisticInterval | null {
  checkSample(values, 1, 'order-statistic interval');
  checkConfidence(confidence);
  const ranks = intervalRanks(values.length, probability, confidence);
  if (ranks === null) return null;
  const sorted = sortAscending(values);
  return {
    low: sorted[ranks.lowRank - 1]!,
    high: sorted[ranks.highRank - 1]!,
    confidence,
    ...ranks,
  };
}

/** The fewest runs that have a confidence interval of the median: 6 for 95 %, 8 for 99 %. */
export function runsForMedianInterval(confidence = 0.95): number {
  checkConfidence(confidence);
  // Between the smallest and the largest of n values the median lies with probability 1 − 2 · ½ⁿ.
  return Math.ceil(1 - Math.log2(1 - confidence) - 1e-12);
}

function intervalRanks(
  count: number,
  probability: number,
  confidence: number,
): { lowRank: number; highRank: number; coverage: number } | null {
  const tail = (1 - confidence) / 2;
  const atMost = (below: number): number => binomialCdf(below, count, probability);
  // Rank r is below the quantile unless fewer than r values are: P(X ≤ r − 1).
  const lowRank = lastRank(count, (rank) => atMost(rank - 1) <= tail);
  const highRank = count + 1 - lastRank(count, (rank) => 1 - atMost(count - rank) <= tail);
  if (lowRank === 0 || highRank === count + 1) return null;
  return { lowRank, highRank, coverage: atMost(highRank - 1) - atMost(lowRank - 1) };
}

/** The largest rank 1 … count that still fits, 0 when none does; `fits` is true up to it and false after. */
function lastRank(count: number, fits: (rank: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A percentile that the sample supports, or the reason why it does not. */
export type Percentile =
  | {
      readonly supported: true;
      /** In (0, 100): 90 for p90. */
      readonly percent: number;
      readonly value: number;
      /** Distribution-free; null when the sample has none at this confidence. */
      readonly interval: Interval | null;
    }
  | {
      readonly supported: false;
      readonly percent: number;
      readonly runsNeeded: number;
      /** One sentence for the user. */
      readonly explanation: string;
    };

/**
 * With which probability the second-largest value must lie above the true percentile before it is shown. 99 % is
 * the customary strict level of Wilks' tables.
 */
const TOLERANCE_CONFIDENCE = 0.99;

/**
 * The fewest runs from which a tail percentile can be told, by Wilks' rule (1941, 1942): the second-largest value
 * must exceed the true percentile with 99 % probability, so that the percentile lies inside the data and does not
 * hang on the single worst run. With tail probability q = 1 − p the condition is
 *
 *   P(at most one of n runs falls in the tail) = pⁿ + n·q·pⁿ⁻¹ ≤ 1 %
 *
 * which is also the size of Wilks' two-sided tolerance interval: [min, max] holds the share p of all runs with
 * 99 %. It gives 64 for p90, 130 for p95 and 662 for p99; percentiles below 50 count from the other end.
 *
 * @param percent in (0, 100)
 * @example
 * runsForPercentile(99); // 662
 */
export function runsForPercentile(percent: number): number {
  const p = Math.max(percent, 100 - percent) / 100;
  let runs = 2;
  while (p ** runs + runs * (1 - p) * p ** (runs - 1) > 1 - TOLERANCE_CONFIDENCE) runs++;
  return runs;
}

/**
 * A percentile with its confidence interval, or an explanation when there are too few runs for it.
 *
 * @param values the runs, in any order; at least one
 * @param percent in (0, 100)
 * @example
 * const p99 = percentile(totalMs, 99);
 * console.log(p99.supported ? p99.value : p99.explanation);
 */
export function percentile(values: readonly number[], percent: number, confidence = 0.95): Percentile {
  checkSample(values, 1, `p${percent}`);
  const runsNeeded = runsForPercentile(percent);
  if (values.length < runsNeeded) {
    const explanation = `p${percent} needs ${runsNeeded} runs, this sample has ${values.length}: with fewer, it rests on one or two extreme runs`;
    return { supported: false, percent, runsNeeded, explanation };
  }
  const interval = quantileInterval(values, percent / 100, confidence);
  return { supported: true, percent, value: quantile(values, percent / 100), interval };
}
