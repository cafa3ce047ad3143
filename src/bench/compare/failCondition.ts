import { QwenAsrError } from '../../error.js';
import { joinScores } from '../accuracy/scoreCorpus.js';
import type { TranscriptScore } from '../accuracy/scoreTranscript.js';
import { recordingSets } from '../analysis/summarizeResult.js';
import { formatChange, formatProbability, significant } from '../document/figures.js';
import { setTitles } from '../document/sweepAxes.js';
import { METRICS } from '../schema/metrics.js';
import { type IndependentComparison, probabilityAbove } from '../statistics/compareIndependent.js';
import { adjustByHolm } from '../statistics/verdict.js';
import type { CellPair, NamedResult } from './pairCells.js';

/** When a comparison counts as failed: `encode>+5%`, `tokens_per_second<-3%`, `wer>+0.5pp`, `total>+10%!`. */
export interface FailCondition {
  /** As the user wrote it. */
  readonly text: string;
  /** A metric's name, `wer` or `cer`. */
  readonly metric: string;
  readonly direction: '>' | '<';
  /** A ratio of B to A for metrics (1.05); a difference of rates for `wer` and `cer` (0.005). */
  readonly threshold: number;
  /** Ends with `!`: the estimate alone decides, whatever its interval. */
  readonly byEstimate: boolean;
}

const ERROR_RATES: ReadonlySet<string> = new Set(['wer', 'cer']);
const PATTERN = /^\s*([a-z_]+)\s*([<>])\s*([+-]?\d+(?:\.\d+)?)\s*(%|pp)\s*(!?)\s*$/;

/**
 * Reads a condition. The percentage is the change from A to B; `pp` are percentage points of an error rate.
 *
 * @throws QwenAsrError `usage` naming what is wrong with it
 * @example
 * parseFailCondition('encode>+5%').threshold; // 1.05
 */
export function parseFailCondition(text: string): FailCondition {
  const [, metric = '', direction, amount = '', unit, mark] = PATTERN.exec(text) ?? [];
  if (direction === undefined) {
    throw new QwenAsrError(
      'usage',
      `--fail-if ${JSON.stringify(text)}: expected a condition like encode>+5%, tokens_per_second<-3% or wer>+0.5pp`,
    );
  }
  const names = [...METRICS.map(({ name }) => name), ...ERROR_RATES];
  if (!names.includes(metric)) {
    throw new QwenAsrError(
      'usage',
      `--fail-if ${text}: expected one of ${names.join(', ')}, found ${metric}`,
    );
  }
  const expectedUnit = ERROR_RATES.has(metric) ? 'pp' : '%';
  if (unit !== expectedUnit) {
    throw new QwenAsrError(
      'usage',
      `--fail-if ${text}: expected ${metric} in ${expectedUnit}, found ${unit}`,
    );
  }
  const share = Number(amount) / 100;
  if (unit === '%' && share <= -1) {
    throw new QwenAsrError('usage', `--fail-if ${text}: expected a change above -100%, found ${amount}%`);
  }
  return {
    text,
    metric,
    direction: direction === '>' ? '>' : '<',
    threshold: unit === '%' ? 1 + share : share,
    byEstimate: mark === '!',
  };
}

/** The condition about an error rate, not a metric of runs. */
export function isErrorRate(condition: FailCondition): boolean {
  return ERROR_RATES.has(condition.metric);
}

/** What a condition says about one comparison. */
export interface Judgement {
  readonly failed: boolean;
  /** One line with the figures that decided. */
  readonly reason: string;
}

/** A condition on the comparison of one cell. */
export interface Question {
  readonly condition: FailCondition;
  /** Names the cell in front of the reason; '' when there is only one. */
  readonly prefix: string;
  readonly outcome: IndependentComparison;
}

/**
 * Holds comparisons to their conditions. A condition holds when the change is beyond its threshold with a one-sided
 * probability of error of 2.5 %, which is when the whole 95 % interval is. Of several questions, Holm's correction keeps
 * that probability for all together: where nothing changed beyond its threshold, noise fails one of 40 comparisons
 * at most. With `!` the estimate alone decides.
 *
 * @throws QwenAsrError `compare` when there are too few runs for the interval that a condition needs
 */
export function judgeAll(questions: readonly Question[]): Judgement[] {
  const tested = questions.filter(({ condition }) => !condition.byEstimate);
  const adjusted = adjustByHolm(tested.map(chance));
  return questions.map((question) => {
    const { condition, prefix, outcome } = question;
    const { estimate, low, high } = metricRatio(condition.metric, outcome);
    const interval = low === null || high === null ? '' : ` (${formatChange(low)} … ${formatChange(high)})`;
    const p = adjusted[tested.indexOf(question)];
    const family =
      p === undefined || tested.length === 1 ? '' : `, p ${formatProbability(p)} of ${tested.length}`;
    const failed = p === undefined ? excess(condition, estimate) > 0 : p <= (1 - outcome.confidence) / 2;
    return { failed, reason: `${prefix}${condition.text}: ${formatChange(estimate)}${interval}${family}` };
  });
}

/** The probability of so clear an excess where the truth is at the threshold. */
function chance({ condition, prefix, outcome }: Question): number {
  if (outcome.standardError === null) {
    throw new QwenAsrError(
      'compare',
      `${prefix}--fail-if ${condition.text}: expected enough runs for an interval (4 on each side, or several sessions), found fewer; ${condition.text}! decides by the estimate alone`,
    );
  }
  return probabilityAbove(outcome, excess(condition, metricRatio(condition.metric, outcome).estimate));
}

/** How far beyond the threshold a ratio is, as a difference of logarithms. */
function excess({ direction, threshold }: FailCondition, ratio: number): number {
  const beyond = Math.log(ratio) - Math.log(threshold);
  return direction === '>' ? beyond : -beyond;
}

export interface RatioInterval {
  readonly estimate: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** The change of the metric itself: outcomes are about costs, so rates turn round. */
export function metricRatio(metric: string, { ratio, low, high }: IndependentComparison): RatioInterval {
  const isRate = METRICS.find(({ name }) => name === metric)?.better === 'higher';
  if (!isRate) return { estimate: ratio, low, high };
  return { estimate: 1 / ratio, low: high === null ? null : 1 / high, high: low === null ? null : 1 / low };
}

/** Cells of both sides, and what to call them. */
interface RatedPair {
  /** Nothing when there is only one. */
  readonly title: string;
  readonly pair: CellPair;
}

/**
 * Holds error rates to a condition in percentage points. Several recordings of one setting are judged together, all
 * errors ÷ all words: in a single short one every word is many points.
 *
 * @param condition about `wer` or `cer`
 * @param b whose settings tell which recordings belong together
 * @throws QwenAsrError `compare` when a side has no error rates
 */
export function judgeErrorRates(
  condition: FailCondition,
  pairs: readonly RatedPair[],
  { result }: NamedResult,
): Judgement[] {
  const sets = recordingSets({ audio: result.audio, cells: pairs.map(({ pair }) => pair.b) });
  const inSets = new Set(sets.flatMap(({ cells }) => cells));
  const titleOf = setTitles(result, sets);
  const alone = pairs.filter(({ pair }) => !inSets.has(pair.b.id));
  return [
    ...alone.map(({ title, pair }) => judgeTogether(condition, title, [pair])),
    ...sets.map((set) => {
      const members = pairs.map(({ pair }) => pair).filter(({ b }) => set.cells.includes(b.id));
      const title = [titleOf(set), `all ${members.length} recordings`].filter((part) => part !== '');
      return judgeTogether(condition, title.join(', '), members);
    }),
  ];
}

function judgeTogether(condition: FailCondition, title: string, pairs: readonly CellPair[]): Judgement {
  const { text, metric, direction, threshold } = condition;
  const prefix = title === '' ? '' : `${title}: `;
  const name = metric === 'wer' ? 'wer' : 'cer';
  const rateOf = (side: 'a' | 'b'): number => {
    const scores = pairs.map((pair) => pair[side].accuracy);
    if (!scores.every((score) => score !== null)) {
      throw new QwenAsrError(
        'compare',
        `${prefix}--fail-if ${text}: expected ${name.toUpperCase()} on both sides, found none; measure with --ref`,
      );
    }
    return joinScores(customary(scores, name))[name];
  };
  const rulesOf = (side: 'a' | 'b'): string =>
    [...new Set(pairs.flatMap((pair) => pair[side].accuracy?.rules ?? []))].sort().join(', ');
  const [rulesA, rulesB] = [rulesOf('a'), rulesOf('b')];
  // Older files do not name them.
  if (rulesA !== '' && rulesB !== '' && rulesA !== rulesB) {
    throw new QwenAsrError(
      'compare',
      `${prefix}--fail-if ${text}: expected error rates by the same rules, found ${rulesA} and ${rulesB}`,
    );
  }
  const [before, now] = [rateOf('a'), rateOf('b')];
  // Percentages of counted words: what is stored is exact, so no rounding error may decide.
  const change = Number((now - before).toFixed(12));
  const failed = direction === '>' ? change > threshold : change < threshold;
  const rates = `${significant(100 * before)} % to ${significant(100 * now)} %`;
  return { failed, reason: `${prefix}${text}: ${rates}` };
}

/** Those that are customarily counted in this metric; all where none is. */
function customary(scores: readonly TranscriptScore[], metric: 'wer' | 'cer'): readonly TranscriptScore[] {
  const own = scores.filter((score) => score.metric === metric);
  return own.length === 0 ? scores : own;
}
