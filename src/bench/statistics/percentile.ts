import { quantileInterval } from './orderStatisticInterval.js';
import { quantile } from './quantile.js';
import { checkSample, type Interval } from './sample.js';

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
