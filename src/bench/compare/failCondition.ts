import { QwenAsrError } from '../../error.js';
import { formatChange } from '../output/figures.js';
import type { IndependentRecord } from '../schema/benchResult.js';
import { METRICS } from '../schema/metrics.js';

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

/**
 * Holds a comparison to a condition. It fails when the whole interval lies beyond the threshold, so that noise alone
 * fails one of 40 comparisons at most; with `!` when the estimate does.
 *
 * @param ratio the change of the metric itself, B ÷ A, with its interval
 * @param prefix names the cell in front of the reason; '' when there is only one
 * @throws QwenAsrError `compare` when there are too few runs for the interval that the condition needs
 */
export function judge(condition: FailCondition, ratio: RatioInterval, prefix: string): Judgement {
  const { text, direction, threshold, byEstimate } = condition;
  const { estimate, low, high } = ratio;
  const nearEnd = byEstimate ? estimate : direction === '>' ? low : high;
  if (nearEnd === null) {
    throw new QwenAsrError(
      'compare',
      `${prefix}--fail-if ${text}: expected enough runs for an interval (4 on each side), found fewer; ${text}! decides by the estimate alone`,
    );
  }
  const failed = direction === '>' ? nearEnd > threshold : nearEnd < threshold;
  const interval = low === null || high === null ? '' : ` (${formatChange(low)} … ${formatChange(high)})`;
  return { failed, reason: `${prefix}${text}: ${formatChange(estimate)}${interval}` };
}

export interface RatioInterval {
  readonly estimate: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** The change of the metric itself: outcomes are about costs, so rates turn round. */
export function metricRatio({ metric, outcome }: IndependentRecord): RatioInterval | null {
  if (outcome === null) return null;
  const { ratio, low, high } = outcome;
  const isRate = METRICS.find(({ name }) => name === metric)?.better === 'higher';
  if (!isRate) return { estimate: ratio, low, high };
  return { estimate: 1 / ratio, low: high === null ? null : 1 / high, high: low === null ? null : 1 / low };
}
