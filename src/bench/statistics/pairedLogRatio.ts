import { mean, variance } from './meanInterval.js';
import type { SlowRuns } from './slowRuns.js';

/** An estimate of ln(B / A) with its standard error. */
export interface LogRatioEstimate {
  readonly estimate: number;
  readonly standardError: number;
  readonly degreesOfFreedom: number;
}

/**
 * Estimates the log ratio from pairs of which some runs are set aside.
 *
 * The model is log time = side + pair + noise, with the pair's part (drift, temperature, neighbours) common to both
 * runs. Complete pairs give the mean of their differences, free of the pair's part. A run whose partner is set
 * aside still says something, the more the less the machine drifts; this is Yates' recovery of interblock
 * information (1940). The four sources — differences and means of the complete pairs, lone runs of A and of B — are
 * independent, and weighted least squares with the two estimated variances joins them. Without runs set aside the
 * result is the plain mean difference with the standard error of the paired t-test.
 *
 * @param logA ln of the times of A, by pair
 * @param logB ln of the times of B, by pair
 * @param slow runs to set aside; at least two complete pairs must remain
 */
export function pairedLogRatio(
  logA: readonly number[],
  logB: readonly number[],
  slow: SlowRuns,
): LogRatioEstimate {
  const slowA = new Set(slow.a);
  const slowB = new Set(slow.b);
  const complete = Array.from(logA.keys()).filter((pair) => !slowA.has(pair) && !slowB.has(pair));
  const differences = complete.map((pair) => logB[pair]! - logA[pair]!);
  const pairMeans = complete.map((pair) => (logA[pair]! + logB[pair]!) / 2);
  const degreesOfFreedom = complete.length - 1;
  const difference = mean(differences);
  const differenceVariance = variance(differences);
  const loneA = logA.filter((_, pair) => slowB.has(pair) && !slowA.has(pair));
  const loneB = logB.filter((_, pair) => slowA.has(pair) && !slowB.has(pair));
  if (differenceVariance === 0 || loneA.length + loneB.length === 0) {
    const standardError = Math.sqrt(differenceVariance / complete.length);
    return { estimate: difference, standardError, degreesOfFreedom };
  }
  const noise = differenceVariance / 2; // variance of a run within its pair
  const drift = Math.max(0, variance(pairMeans) - noise / 2); // variance of the pair's part
  return {
    ...weightedRatio([
      // [level, ratio] is the row of the design: the source estimates level·μ + ratio·ln(B/A).
      { level: 0, ratio: 1, value: difference, weight: complete.length / differenceVariance },
      { level: 1, ratio: 0.5, value: mean(pairMeans), weight: complete.length / (drift + noise / 2) },
      { level: 1, ratio: 0, value: meanOr0(loneA), weight: loneA.length / (drift + noise) },
      { level: 1, ratio: 1, value: meanOr0(loneB), weight: loneB.length / (drift + noise) },
    ]),
    degreesOfFreedom,
  };
}

interface Source {
  readonly level: number;
  readonly ratio: number;
  readonly value: number;
  /** 1 / variance; 0 for a source that is empty. */
  readonly weight: number;
}

/** Solves the two normal equations for (μ, ln(B/A)) and returns the second with its standard error. */
function weightedRatio(sources: readonly Source[]): { estimate: number; standardError: number } {
  const sum = (term: (source: Source) => number): number =>
    sources.reduce((total, source) => total + source.weight * term(source), 0);
  const levelLevel = sum((source) => source.level ** 2);
  const levelRatio = sum((source) => source.level * source.ratio);
  const ratioRatio = sum((source) => source.ratio ** 2);
  const levelValue = sum((source) => source.level * source.value);
  const ratioValue = sum((source) => source.ratio * source.value);
  const determinant = levelLevel * ratioRatio - levelRatio ** 2;
  return {
    estimate: (levelLevel * ratioValue - levelRatio * levelValue) / determinant,
    standardError: Math.sqrt(levelLevel / determinant),
  };
}

function meanOr0(values: readonly number[]): number {
  return values.length === 0 ? 0 : mean(values);
}
