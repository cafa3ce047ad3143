import { mean } from './meanInterval.js';
import { MAD_TO_SIGMA, median } from './quantile.js';

/** The runs of a paired comparison that something held up, by their index. */
export interface SlowRuns {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** First look: so many robust standard deviations make a run suspect. Generous, because the second look decides. */
const SUSPECT_LIMIT = 3;
/** Second look: so many standard deviations of the runs that are not suspect make it slow. 1 in 4,300 by chance. */
const SLOW_LIMIT = 3.5;
/** With fewer pairs the spread is known too badly, and setting runs aside would make intervals too narrow. */
const FEWEST_PAIRS = 10;
/** If more than this share of a side stands out, it is no outlier but part of how that side behaves. */
const LARGEST_SHARE = 0.25;

/**
 * Finds the runs that were held up: far slower than the other runs of their side, given how their partner did.
 * Only slow runs are looked for, because interference only ever slows a program down.
 *
 * A run is judged by its residual: its log time less the centre of its side, less ρ times the same of its partner.
 * With the correlation ρ of the pairs near 1, on a machine that drifts, this is the difference within the pair;
 * with ρ near 0 it is the run alone. The first look uses medians and MADs, which a quarter of wild runs does not
 * disturb but which are imprecise; the second uses means and standard deviations without the suspects, and clears
 * those that do not stand out after all (one step of reweighting, Rousseeuw and Leroy 1987). The scale is never
 * below the side's own, so that the noisier side is not thinned out.
 *
 * @param logA ln of the times of A, by pair
 * @param logB ln of the times of B, by pair
 */
export function findSlowRuns(logA: readonly number[], logB: readonly number[]): SlowRuns {
  if (logA.length < FEWEST_PAIRS) return { a: [], b: [] };
  return secondLook(logA, logB, firstLook(logA, logB));
}

function firstLook(logA: readonly number[], logB: readonly number[]): SlowRuns {
  const centredA = lessMedian(logA);
  const centredB = lessMedian(logB);
  const rho = robustCorrelation(centredA, centredB);
  const residualA = centredA.map((value, pair) => value - rho * centredB[pair]!);
  const residualB = centredB.map((value, pair) => value - rho * centredA[pair]!);
  const all = [...residualA, ...residualB];
  // The upper half alone counts too: times with a long upper tail are wider on that side.
  const upper = all.filter((value) => value >= 0);
  const common = Math.max(median(all.map(Math.abs)), upper.length === 0 ? 0 : median(upper));
  const sigma = (residuals: readonly number[]): number =>
    MAD_TO_SIGMA * Math.max(common, median(residuals.map(Math.abs)));
  return {
    a: beyond(residualA, SUSPECT_LIMIT * sigma(residualA)),
    b: beyond(residualB, SUSPECT_LIMIT * sigma(residualB)),
  };
}

function secondLook(logA: readonly number[], logB: readonly number[], suspects: SlowRuns): SlowRuns {
  const suspectA = new Set(suspects.a);
  const suspectB = new Set(suspects.b);
  const centredA = lessMeanWithout(logA, suspectA);
  const centredB = lessMeanWithout(logB, suspectB);
  const complete = Array.from(logA.keys()).filter((pair) => !suspectA.has(pair) && !suspectB.has(pair));
  const sumOver = (term: (pair: number) => number): number =>
    complete.reduce((sum, pair) => sum + term(pair), 0);
  const squares = sumOver((pair) => centredA[pair]! ** 2 + centredB[pair]! ** 2);
  const products = sumOver((pair) => centredA[pair]! * centredB[pair]!);
  const rho = squares === 0 ? 0 : Math.max(0, (2 * products) / squares);
  // A suspect partner says nothing about the pair, so the run then stands alone.
  const residualA = centredA.map((value, pair) => value - (suspectB.has(pair) ? 0 : rho * centredB[pair]!));
  const residualB = centredB.map((value, pair) => value - (suspectA.has(pair) ? 0 : rho * centredA[pair]!));
  const varianceA = sumOver((pair) => residualA[pair]! ** 2) / (complete.length - 2);
  const varianceB = sumOver((pair) => residualB[pair]! ** 2) / (complete.length - 2);
  const common = (varianceA + varianceB) / 2;
  return {
    a: beyond(residualA, SLOW_LIMIT * Math.sqrt(Math.max(common, varianceA))),
    b: beyond(residualB, SLOW_LIMIT * Math.sqrt(Math.max(common, varianceB))),
  };
}

/** The indices of the residuals above the limit, none if they are too many to be outliers. */
function beyond(residuals: readonly number[], limit: number): number[] {
  const found = Array.from(residuals.keys()).filter((pair) => residuals[pair]! > limit);
  return found.length > LARGEST_SHARE * residuals.length ? [] : found;
}

function lessMedian(values: readonly number[]): number[] {
  const centre = median(values);
  return values.map((value) => value - centre);
}

function lessMeanWithout(values: readonly number[], omitted: ReadonlySet<number>): number[] {
  const centre = mean(values.filter((_, pair) => !omitted.has(pair)));
  return values.map((value) => value - centre);
}

/**
 * (MAD²(x + y) − MAD²(x − y)) / (MAD²(x + y) + MAD²(x − y)) (Gnanadesikan and Kettenring 1972), kept in 0 … 1:
 * partners never move apart.
 */
function robustCorrelation(x: readonly number[], y: readonly number[]): number {
  const squaredSpread = (values: number[]): number => median(lessMedian(values).map(Math.abs)) ** 2;
  const together = squaredSpread(x.map((value, i) => value + y[i]!));
  const apart = squaredSpread(x.map((value, i) => value - y[i]!));
  const sum = together + apart;
  return sum === 0 ? 0 : Math.max(0, (together - apart) / sum);
}
