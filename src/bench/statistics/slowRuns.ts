import { MAD_TO_SIGMA, median } from './quantile.js';

/** The runs of a paired comparison that something held up, by their index. */
export interface SlowRuns {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** Modified z-score beyond which a value is an outlier (Iglewicz and Hoaglin 1993). */
const MODIFIED_Z_LIMIT = 3.5;
/** With fewer pairs the spread is known too badly: flagging then makes intervals too narrow (8 % errors at 5). */
const FEWEST_PAIRS = 10;
/** If more than this share of a side stands out, it is no outlier but part of how that side behaves. */
const LARGEST_SHARE = 0.25;

/**
 * Finds the runs that were held up: far slower than the other runs of their side, given how their partner did.
 * Only slow runs are looked for, because interference only ever slows a program down.
 *
 * A run's residual is its log time less the median of its side, less ρ times its partner's residual, where ρ is
 * the robust correlation of the pairs (Gnanadesikan and Kettenring 1972). ρ near 1, when the machine drifts, makes
 * this the difference within the pair; ρ near 0 makes it the run alone. The scale is the largest of three: the MAD
 * of all residuals, of the side's own, and of the positive half of all, so that a side with more noise or a long
 * upper tail is not thinned out.
 *
 * @param logA ln of the times of A, by pair
 * @param logB ln of the times of B, by pair
 */
export function findSlowRuns(logA: readonly number[], logB: readonly number[]): SlowRuns {
  if (logA.length < FEWEST_PAIRS) return { a: [], b: [] };
  const centredA = lessMedian(logA);
  const centredB = lessMedian(logB);
  const rho = robustCorrelation(centredA, centredB);
  const residualA = centredA.map((value, pair) => value - rho * centredB[pair]!);
  const residualB = centredB.map((value, pair) => value - rho * centredA[pair]!);
  const all = [...residualA, ...residualB];
  const upper = all.filter((value) => value >= 0);
  const common = Math.max(median(all.map(Math.abs)), upper.length === 0 ? 0 : median(upper));
  const slow = (residuals: readonly number[]): number[] => {
    const limit = MODIFIED_Z_LIMIT * MAD_TO_SIGMA * Math.max(common, median(residuals.map(Math.abs)));
    const found = Array.from(residuals.keys()).filter((pair) => residuals[pair]! > limit);
    return found.length > LARGEST_SHARE * residuals.length ? [] : found;
  };
  return { a: slow(residualA), b: slow(residualB) };
}

function lessMedian(values: readonly number[]): number[] {
  const centre = median(values);
  return values.map((value) => value - centre);
}

/** (MAD²(x + y) − MAD²(x − y)) / (MAD²(x + y) + MAD²(x − y)), kept in 0 … 1: partners never move apart. */
function robustCorrelation(x: readonly number[], y: readonly number[]): number {
  const squaredSpread = (values: number[]): number => median(lessMedian(values).map(Math.abs)) ** 2;
  const together = squaredSpread(x.map((value, i) => value + y[i]!));
  const apart = squaredSpread(x.map((value, i) => value - y[i]!));
  const sum = together + apart;
  return sum === 0 ? 0 : Math.max(0, (together - apart) / sum);
}
