import { type BootstrapOptions, bcaInterval, DEFAULT_RESAMPLES } from '../statistics/bootstrap.js';
import type { Interval } from '../statistics/descriptive.js';
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
