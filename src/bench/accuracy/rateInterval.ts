import {
  checkConfidence,
  checkSample,
  type Interval,
  quantileOfSorted,
  sortAscending,
} from '../statistics/descriptive.js';
import { normalCdf, normalQuantile } from '../statistics/distributions.js';
import { createRandom } from '../statistics/random.js';

/** What was resampled. */
export type ResampledUnit = 'words' | 'characters' | 'utterances';

/** A confidence interval of an error rate. */
export interface RateInterval extends Interval {
  /**
   * `utterances`: what varies is which recordings are scored (Bisani and Ney 2004); this is the one to quote. `words`,
   * `characters`: within a single recording; it takes errors for independent of their neighbours, which they are
   * not quite, so it is somewhat too narrow.
   */
  readonly unit: ResampledUnit;
  /** `exact` when there is no error at all: every resample would then be free of errors too. */
  readonly method: 'bca' | 'exact';
}

/**
 * The interval of an error rate Σ errors / Σ lengths by the seeded BCa bootstrap over its items. Without any error the
 * upper end is that of Clopper and Pearson (1934) for none in Σ lengths, so that a short perfect transcript does not
 * look certain: 0 of 30 words is 0 … 11.6 %.
 *
 * @param errors of each item: a recording, or a token of the reference
 * @param lengths reference tokens of each item
 * @returns null for fewer than two items, or no reference tokens
 */
export function rateInterval(
  errors: readonly number[],
  lengths: readonly number[],
  unit: ResampledUnit,
  options: BootstrapOptions = {},
): RateInterval | null {
  const { seed = 1, confidence = 0.95, resamples = DEFAULT_RESAMPLES } = options;
  const allErrors = errors.reduce((sum, count) => sum + count, 0);
  const allTokens = lengths.reduce((sum, count) => sum + count, 0);
  if (errors.length < 2 || allTokens === 0) return null;
  if (allErrors === 0) {
    const high = 1 - ((1 - confidence) / 2) ** (1 / allTokens);
    return { low: 0, high, confidence, unit, method: 'exact' };
  }
  const random = createRandom(seed);
  const replicates: number[] = [];
  for (let draw = 0; draw < resamples; draw++) {
    let drawnErrors = 0;
    let drawnTokens = 0;
    for (let i = 0; i < errors.length; i++) {
      const item = random.integer(errors.length);
      drawnErrors += errors[item]!;
      drawnTokens += lengths[item]!;
    }
    replicates.push(drawnErrors / Math.max(1, drawnTokens));
  }
  const leftOut = errors.map((count, i) => (allErrors - count) / Math.max(1, allTokens - lengths[i]!));
  const interval = bcaInterval(replicates, allErrors / allTokens, leftOut, confidence);
  return { ...interval, unit, method: 'bca' };
}

/** How a bootstrap is drawn. */
export interface BootstrapOptions {
  /** Repeats the interval exactly; 1 when left out. */
  readonly seed?: number;
  /** 0.95 when left out. */
  readonly confidence?: number;
  /** Resamples drawn; 2,000 when left out, which Efron and Tibshirani (1993, §14.3) advise for BCa ends. */
  readonly resamples?: number;
}

/** Resamples when the caller names none. */
const DEFAULT_RESAMPLES = 2000;

/**
 * The bias-corrected and accelerated (BCa) bootstrap interval of any statistic (Efron 1987). It corrects the
 * percentile interval for median bias and for a spread that changes with the value, and needs no formula for the
 * standard error. With fewer than about 15 items it is somewhat too narrow, like every bootstrap.
 *
 * @param replicates the statistic of each resample
 * @param estimate the statistic of the sample itself
 * @param leftOut the statistic of the sample without its i-th item, for every i: the jackknife
 */
export function bcaInterval(
  replicates: readonly number[],
  estimate: number,
  leftOut: readonly number[],
  confidence = 0.95,
): Interval {
  checkConfidence(confidence);
  checkSample(replicates, 1, 'BCa interval');
  const sorted = sortAscending(replicates);
  const bias = medianBias(sorted, estimate);
  const acceleration = jackknifeAcceleration(leftOut);
  const end = (probability: number): number => {
    const shifted = bias + normalQuantile(probability);
    return quantileOfSorted(sorted, normalCdf(bias + shifted / (1 - acceleration * shifted)));
  };
  return { low: end((1 - confidence) / 2), high: end((1 + confidence) / 2), confidence };
}

/** z₀: how far the replicates' median lies from the estimate, in normal deviates; ties count half. */
function medianBias(sortedReplicates: readonly number[], estimate: number): number {
  let below = 0;
  for (const replicate of sortedReplicates) {
    if (replicate < estimate) below += 1;
    else if (replicate === estimate) below += 0.5;
  }
  const count = sortedReplicates.length;
  // Half a replicate from the ends keeps z₀ finite when the estimate is beyond all of them.
  const share = Math.min(Math.max(below, 0.5), count - 0.5) / count;
  return normalQuantile(share);
}

/** a: a sixth of the skewness of the statistic's influence values, estimated by the jackknife. */
function jackknifeAcceleration(leftOut: readonly number[]): number {
  const centre = leftOut.reduce((sum, value) => sum + value, 0) / leftOut.length;
  let squares = 0;
  let cubes = 0;
  for (const value of leftOut) {
    const influence = centre - value;
    squares += influence ** 2;
    cubes += influence ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}
