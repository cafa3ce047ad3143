import { checkConfidence, checkSample } from './descriptive.js';
import { normalQuantile } from './distributions.js';
import { createRandom } from './random.js';
import { countsExactly, rankSumDistribution, signedRankCritical } from './rankTests.js';

/** A location estimate with the interval that the rank test does not reject. */
export interface RankEstimate {
  readonly estimate: number;
  /** Null when the sample is too small for the confidence: one sample needs 6 values for 95 %. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly confidence: number;
}

/**
 * The Hodges–Lehmann estimate of one sample (1963), its pseudo-median: the median of all means of two values, a
 * value with itself included. Its interval holds every shift that the signed-rank test does not reject (Tukey
 * 1949). For normal data it is 95 % as efficient as the mean, and a few wild values hardly move it. Nothing grows with
 * the number of pairs (`selectPairSum`).
 *
 * @param values differences or log ratios of pairs; at least one
 * @example
 * hodgesLehmann([1, 2, 3, 4, 5, 6]); // estimate 3.5, interval 1 … 6
 */
export function hodgesLehmann(values: readonly number[], confidence = 0.95): RankEstimate {
  checkSample(values, 1, 'Hodges–Lehmann estimate');
  checkConfidence(confidence);
  const sorted = Float64Array.from(values).sort();
  return rankEstimate(
    (order) => selectPairSum(sorted, sorted, order, 'upper') / 2,
    (values.length * (values.length + 1)) / 2,
    signedRankCritical(values.length, (1 - confidence) / 2),
    confidence,
  );
}

/**
 * The Hodges–Lehmann shift of two independent samples (1963): the median of all differences b − a, with the interval
 * of the shifts that the Mann–Whitney test does not reject.
 *
 * @param a at least one value
 * @param b at least one value
 * @example
 * hodgesLehmannShift([1, 2, 3], [11, 12, 13]).estimate; // 10
 */
export function hodgesLehmannShift(
  a: readonly number[],
  b: readonly number[],
  confidence = 0.95,
): RankEstimate {
  checkSample(a, 1, 'Hodges–Lehmann shift, first sample');
  checkSample(b, 1, 'Hodges–Lehmann shift, second sample');
  checkConfidence(confidence);
  const negated = Float64Array.from(a, (value) => -value).sort();
  const sorted = Float64Array.from(b).sort();
  return rankEstimate(
    (order) => selectPairSum(negated, sorted, order, 'all'),
    a.length * b.length,
    rankSumCritical(a.length, b.length, (1 - confidence) / 2),
    confidence,
  );
}

/**
 * The middle of the pairs, and the interval that leaves `critical` + 1 of them out at either end.
 *
 * @param pairAt the pair at a place in ascending order, from 0
 */
function rankEstimate(
  pairAt: (order: number) => number,
  pairs: number,
  critical: number,
  confidence: number,
): RankEstimate {
  const upper = pairAt(Math.floor(pairs / 2));
  const estimate = pairs % 2 === 1 ? upper : (pairAt(pairs / 2 - 1) + upper) / 2;
  const interval = critical < 0 ? null : { low: pairAt(critical), high: pairAt(pairs - 1 - critical) };
  return { estimate, interval, confidence };
}

/** The largest k with P(U ≤ k) ≤ tail, −1 when there is none. */
function rankSumCritical(sizeA: number, sizeB: number, tail: number): number {
  const pairs = sizeA * sizeB;
  if (!countsExactly(sizeA, sizeB)) {
    const sigma = Math.sqrt((pairs * (sizeA + sizeB + 1)) / 12);
    return Math.floor(pairs / 2 - 0.5 + normalQuantile(tail) * sigma);
  }
  const ranks = Int32Array.from({ length: sizeA + sizeB }, (_, i) => 2 * (i + 1));
  const distribution = rankSumDistribution(ranks, sizeA);
  const smallestDoubledSum = sizeA * (sizeA + 1);
  let cumulative = 0;
  let critical = -1;
  for (let u = 0; u <= pairs; u++) {
    cumulative += distribution[smallestDoubledSum + 2 * u]!;
    if (cumulative > tail) break;
    critical = u;
  }
  return critical;
}

/** Which pairs of a row and a column count: all, or those whose column is not before the row. */
export type PairShape = 'all' | 'upper';

/**
 * One of the sums rows[i] + columns[j] by its place in ascending order, without making them all: a pivot drawn from the
 * sums that are still possible narrows the columns of every row (after Monahan 1984, algorithm 616). Memory grows with
 * the number of values, time with that number times the logarithm of the number of pairs: 17,000 values, whose 144
 * million pairs would take a gigabyte, take some ten milliseconds.
 *
 * @param rows ascending
 * @param columns ascending; of the shape `upper` the same length as rows
 * @param order place of the sum, from 0
 * @example
 * selectPairSum(Float64Array.of(0, 10), Float64Array.of(1, 2), 2, 'all'); // 11, of 1 2 11 12
 */
export function selectPairSum(
  rows: Float64Array,
  columns: Float64Array,
  order: number,
  shape: PairShape,
): number {
  // Of row i the columns from[i] … to[i] − 1 are still possible.
  const from = Float64Array.from(rows, (_, row) => (shape === 'upper' ? row : 0));
  const to = new Float64Array(rows.length).fill(columns.length);
  const random = createRandom(1); // the result does not depend on it
  let place = order; // among the sums that are still possible
  for (;;) {
    const pivot = possibleSum(rows, columns, from, to, random.uniform());
    const smaller = bounds(rows, columns, from, to, (sum) => sum < pivot);
    if (place < smaller.count) {
      to.set(smaller.ends);
      continue;
    }
    const notLarger = bounds(rows, columns, from, to, (sum) => sum <= pivot);
    if (place < notLarger.count) return pivot;
    from.set(notLarger.ends);
    place -= notLarger.count;
  }
}

/** The possible sum at this share of their number, counted row by row. */
function possibleSum(
  rows: Float64Array,
  columns: Float64Array,
  from: Float64Array,
  to: Float64Array,
  share: number,
): number {
  let possible = 0;
  for (let row = 0; row < rows.length; row++) possible += to[row]! - from[row]!;
  let left = Math.floor(share * possible);
  let row = 0;
  while (left >= to[row]! - from[row]!) {
    left -= to[row]! - from[row]!;
    row++;
  }
  return rows[row]! + columns[from[row]! + left]!;
}

/**
 * Where the possible sums that are small end in each row, and how many there are. From row to row that end only moves
 * down, so all rows together take as long as rows and columns are many.
 */
function bounds(
  rows: Float64Array,
  columns: Float64Array,
  from: Float64Array,
  to: Float64Array,
  isSmall: (sum: number) => boolean,
): { readonly ends: Float64Array; readonly count: number } {
  const ends = new Float64Array(rows.length);
  let count = 0;
  let end = columns.length;
  for (let row = 0; row < rows.length; row++) {
    while (end > 0 && !isSmall(rows[row]! + columns[end - 1]!)) end--;
    ends[row] = Math.min(Math.max(end, from[row]!), to[row]!);
    count += ends[row]! - from[row]!;
  }
  return { ends, count };
}
