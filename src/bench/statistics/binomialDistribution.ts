import { incompleteBeta } from './specialFunctions.js';

/**
 * P(X ≤ successes) for X the number of successes in `trials` independent trials of probability `p`: the
 * regularised incomplete beta function, which holds its digits for any number of trials.
 */
export function binomialCdf(successes: number, trials: number, p: number): number {
  if (successes < 0) return 0;
  if (successes >= trials) return 1;
  return incompleteBeta(1 - p, trials - successes, successes + 1);
}
