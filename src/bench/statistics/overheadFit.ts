import { QwenAsrError } from '../../error.js';
import { type Coefficient, fitLinearModel } from './leastSquares.js';
import { checkSample } from './sample.js';

/** One run of a length sweep. */
export interface OverheadRun {
  readonly totalMs: number;
  /** Duration of the audio. */
  readonly audioSeconds: number;
  /** Generated tokens. */
  readonly tokens: number;
}

/** time = fixed + perSecond · audio seconds + perToken · tokens. */
export interface OverheadFit {
  /** Milliseconds that every call costs, however short the audio. */
  readonly fixedMs: Coefficient;
  /** Milliseconds for each second of audio. */
  readonly msPerSecond: Coefficient;
  /** Milliseconds for each token; null when the sweep cannot tell it apart, see `note`. */
  readonly msPerToken: Coefficient | null;
  readonly rSquared: number;
  readonly residualMs: number;
  /** Why there is no cost per token, or null. */
  readonly note: string | null;
}

/**
 * Splits the time of a length sweep into a fixed part, a part for each second of audio and a part for each token.
 * When the tokens are constant, or grow exactly with the audio as in fixed work, their part cannot be told from the
 * other two; the fit then leaves them out and says so.
 *
 * @param runs at least four, over at least two audio lengths
 * @throws QwenAsrError `usage` for fewer runs or a single audio length
 * @example
 * const fit = fitOverhead(sweep);
 * console.log(`${fit.fixedMs.value} ms + ${fit.msPerSecond.value} ms a second`);
 */
export function fitOverhead(runs: readonly OverheadRun[], confidence = 0.95): OverheadFit {
  checkSample(
    runs.map((run) => run.totalMs),
    4,
    'overhead fit',
  );
  const totalMs = runs.map((run) => run.totalMs);
  const seconds = runs.map((run) => run.audioSeconds);
  const tokens = runs.map((run) => run.tokens);
  if (new Set(seconds).size < 2) {
    throw new QwenAsrError('usage', 'overhead fit: expected at least two audio lengths, found one');
  }
  const note = tokensFollowSeconds(seconds, tokens);
  const columns: Record<string, number[]> = note === null ? { seconds, tokens } : { seconds };
  const { coefficients, rSquared, residualDeviation } = fitLinearModel(totalMs, columns, confidence);
  return {
    fixedMs: coefficients[0]!,
    msPerSecond: coefficients[1]!,
    msPerToken: coefficients[2] ?? null,
    rSquared,
    residualMs: residualDeviation,
    note,
  };
}

/** Beyond this share of common variance the two costs trade off freely and either number would be arbitrary. */
const COLLINEAR_R_SQUARED = 0.9999;

function tokensFollowSeconds(seconds: readonly number[], tokens: readonly number[]): string | null {
  if (new Set(tokens).size < 2) return 'every run generated the same number of tokens: no cost per token';
  if (fitLinearModel(tokens, { seconds }).rSquared > COLLINEAR_R_SQUARED) {
    return 'tokens grow in step with the audio: their cost is part of the cost per second';
  }
  return null;
}
