import { QwenAsrError } from '../../error.js';

/**
 * The check at the edge of every statistic: enough values, and all of them finite. Statistics of NaN would be
 * NaN without a word, and a median of nothing would be undefined.
 *
 * @param values the sample, in any unit
 * @param minimum the fewest values the statistic is defined for
 * @param statistic its name, for the message
 * @throws QwenAsrError `usage` when there are too few values or one is not finite
 */
export function checkSample(values: readonly number[], minimum: number, statistic: string): void {
  if (values.length < minimum) {
    const noun = minimum === 1 ? 'value' : 'values';
    throw new QwenAsrError(
      'usage',
      `${statistic}: expected at least ${minimum} ${noun}, found ${values.length}`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new QwenAsrError(
      'usage',
      `${statistic}: expected finite numbers, found ${values[bad]} at index ${bad}`,
    );
  }
}

/** An interval that covers the true value with at least, or about, the probability `confidence`. */
export interface Interval {
  readonly low: number;
  readonly high: number;
  /** In (0, 1), for example 0.95. */
  readonly confidence: number;
}

/**
 * @throws QwenAsrError `usage` unless `confidence` lies strictly between 0.5 and 1
 */
export function checkConfidence(confidence: number): void {
  if (!(confidence > 0.5 && confidence < 1)) {
    throw new QwenAsrError('usage', `confidence: expected a number between 0.5 and 1, found ${confidence}`);
  }
}
