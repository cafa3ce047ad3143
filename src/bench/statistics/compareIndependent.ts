import { QwenAsrError } from '../../error.js';
import { type CompareOptions, checkMargin, logTimes } from './comparePaired.js';
import { checkConfidence, mean, median } from './descriptive.js';
import { normalCdf, normalQuantile, studentCdf, studentQuantile } from './distributions.js';
import { hodgesLehmannShift } from './hodgesLehmann.js';
import type { RankTest } from './rankTests.js';
import { mannWhitneyTest } from './rankTests.js';
import { type Decision, decide, type Verdict } from './verdict.js';

/** Settings of a comparison of sessions. */
export interface SessionOptions extends CompareOptions {
  /**
   * How much sessions of one and the same thing deviate from each other (standard deviation, in percent), where there
   * is one session a side and nothing measures it; {@link DEFAULT_ALLOWANCE_PERCENT} when left out. 0 takes the runs of
   * the two sessions for all there is to know.
   */
  readonly allowancePercent?: number;
}

/** B against A, from runs that were not measured together. */
export interface IndependentComparison {
  /** Runs of all sessions. */
  readonly runsA: number;
  readonly runsB: number;
  readonly sessionsA: number;
  readonly sessionsB: number;
  /**
   * Typical time of B ÷ time of A: of several sessions the means of the log medians compared, of one a side the
   * Hodges–Lehmann shift of the log times.
   */
  readonly ratio: number;
  /** Null when there are too few runs for an interval: of one session a side 4 + 4 are the fewest for 95 %. */
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
  /** Two-sided, for a ratio of 1. */
  readonly pValue: number;
  /** `exact`: the Mann–Whitney test of up to 60 runs without an allowance. */
  readonly method: RankTest['method'];
  readonly verdict: Verdict;
  /** Runs of the smaller side that would decide with 80 % probability; null when no number would. */
  readonly runsNeeded: number | null;
  /** Sessions of the smaller side that would, where more runs do not help; null where they do. */
  readonly sessionsNeeded: number | null;
  readonly marginPercent: number;
  /** The standard deviation from session to session that the interval counts with. */
  readonly sessionPercent: number;
  /** Whether the sessions told it, or it was allowed for. */
  readonly sessionsMeasured: boolean;
  /** Of ln ratio; null without an interval. */
  readonly standardError: number | null;
  /** Of Student's distribution; null for the normal one. */
  readonly degreesOfFreedom: number | null;
}

/** What sessions of an unchanged build on a shared machine commonly deviate by, in percent. */
export const DEFAULT_ALLOWANCE_PERCENT = 2;

/** The fewest runs a side with an interval at 95 %: P(U = 0) = 1 / C(8, 4) = 1.4 %, two-sided 2.9 %. */
const FEWEST_RUNS = 4;

type LogEstimate = Pick<
  IndependentComparison,
  'pValue' | 'method' | 'sessionPercent' | 'sessionsMeasured' | 'standardError' | 'degreesOfFreedom'
> & { readonly estimate: number };

/**
 * Compares sessions of A with sessions of B. A session is one measurement: what differs between two of them (heat,
 * neighbours, where memory came to lie) is common to all its runs, and no number of runs averages it out.
 *
 * Of three or more sessions in all, each side with at least one, every session counts as one observation, its median, and
 * Student's two-sample interval over them holds whatever sessions deviate by, provided that both sides deviate alike and
 * about normally. Of one session a side the deviation is not known; it is allowed for instead.
 *
 * @param a sessions of A, each its times in any unit and order
 * @param b sessions of B, in the same unit
 * @throws QwenAsrError `usage` for an empty session, times that are not positive, or a bad allowance
 * @example
 * compareIndependent([[100], [101], [99]], [[110], [112], [109]]).verdict; // 'slower'
 */
export function compareIndependent(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
  options: SessionOptions = {},
): IndependentComparison {
  const { confidence = 0.95, marginPercent = 1, allowancePercent = DEFAULT_ALLOWANCE_PERCENT } = options;
  checkConfidence(confidence);
  checkMargin(marginPercent);
  checkAllowance(allowancePercent);
  const logA = a.map((times) => logTimes(times, 1, 'A'));
  const logB = b.map((times) => logTimes(times, 1, 'B'));
  const [onlyA, onlyB] = [logA[0] ?? [], logB[0] ?? []];
  const single = a.length === 1 && b.length === 1;
  const log = single
    ? estimateOfRuns(onlyA, onlyB, confidence, Math.log1p(allowancePercent / 100))
    : estimateOfSessions(logA, logB);
  const { estimate, ...told } = log;
  const reach = log.standardError === null ? null : criticalValue(log, confidence) * log.standardError;
  const [runsA, runsB] = [logA.flat().length, logB.flat().length];
  // More runs of the same two sessions tell no more of how sessions deviate.
  const bySessions = !single || (reach !== null && allowancePercent > 0);
  const count = bySessions ? Math.min(a.length, b.length) : Math.min(runsA, runsB);
  const decision: Decision =
    reach === null
      ? { verdict: 'undecided', runsNeeded: Math.max(FEWEST_RUNS, count + 1) }
      : decide(
          {
            estimate,
            low: estimate - reach,
            high: estimate + reach,
            confidence,
            count,
            ...standardErrorOf(log),
          },
          marginPercent,
        );
  return {
    ...{ runsA, runsB, sessionsA: a.length, sessionsB: b.length },
    ratio: Math.exp(estimate),
    low: reach === null ? null : Math.exp(estimate - reach),
    high: reach === null ? null : Math.exp(estimate + reach),
    confidence,
    verdict: decision.verdict,
    runsNeeded: bySessions ? null : decision.runsNeeded,
    sessionsNeeded: bySessions ? decision.runsNeeded : null,
    marginPercent,
    ...told,
  };
}

/**
 * The probability of a log ratio so far or further above its true value; 1 without an interval.
 *
 * @param deviation of the estimated log ratio from the value it is held against
 */
export function probabilityAbove(
  { standardError, degreesOfFreedom }: Pick<LogEstimate, 'standardError' | 'degreesOfFreedom'>,
  deviation: number,
): number {
  return standardError === null ? 1 : upperTail(deviation, standardError, degreesOfFreedom);
}

function estimateOfSessions(
  logA: readonly (readonly number[])[],
  logB: readonly (readonly number[])[],
): LogEstimate {
  const [mediansA, mediansB] = [logA.map(median), logB.map(median)];
  const [centreA, centreB] = [mean(mediansA), mean(mediansB)];
  const degreesOfFreedom = logA.length + logB.length - 2;
  const squares =
    mediansA.reduce((sum, value) => sum + (value - centreA) ** 2, 0) +
    mediansB.reduce((sum, value) => sum + (value - centreB) ** 2, 0);
  const deviation = Math.sqrt(squares / degreesOfFreedom);
  const estimate = centreB - centreA;
  const standardError = deviation * Math.sqrt(1 / logA.length + 1 / logB.length);
  return {
    ...{ estimate, standardError, degreesOfFreedom, method: 'normal', sessionsMeasured: true },
    sessionPercent: 100 * Math.expm1(deviation),
    pValue: 2 * upperTail(Math.abs(estimate), standardError, degreesOfFreedom),
  };
}

/** @param allowance standard deviation of ln time from session to session */
function estimateOfRuns(
  logA: readonly number[],
  logB: readonly number[],
  confidence: number,
  allowance: number,
): LogEstimate {
  const { estimate, interval } = hodgesLehmannShift(logA, logB, confidence);
  const test = mannWhitneyTest(logA, logB);
  const shared = {
    ...{ estimate, degreesOfFreedom: null, sessionsMeasured: false },
    sessionPercent: 100 * Math.expm1(allowance),
  };
  if (interval === null) {
    return { ...shared, pValue: test.pValue, method: test.method, standardError: null };
  }
  const ofRuns = (interval.high - interval.low) / 2 / normalQuantile((1 + confidence) / 2);
  const standardError = Math.hypot(ofRuns, Math.SQRT2 * allowance);
  if (allowance === 0) return { ...shared, pValue: test.pValue, method: test.method, standardError };
  const pValue = 2 * upperTail(Math.abs(estimate), standardError, null);
  return { ...shared, pValue, method: 'normal', standardError };
}

function standardErrorOf({ standardError }: LogEstimate): { readonly standardError?: number } {
  return standardError === null ? {} : { standardError };
}

function criticalValue({ degreesOfFreedom }: LogEstimate, confidence: number): number {
  const probability = (1 + confidence) / 2;
  return degreesOfFreedom === null
    ? normalQuantile(probability)
    : studentQuantile(probability, degreesOfFreedom);
}

/** Without any spread the estimate is certain. */
function upperTail(deviation: number, standardError: number, degreesOfFreedom: number | null): number {
  if (standardError === 0) return deviation > 0 ? 0 : deviation < 0 ? 1 : 0.5;
  const t = deviation / standardError;
  return degreesOfFreedom === null ? normalCdf(-t) : studentCdf(-t, degreesOfFreedom);
}

function checkAllowance(allowancePercent: number): void {
  if (allowancePercent >= 0 && allowancePercent < 100) return;
  throw new QwenAsrError('usage', `allowance: expected 0 to 100 percent, found ${allowancePercent}`);
}
