import { QwenAsrError } from '../../error.js';
import { mean } from './descriptive.js';
import { type Coefficient, fitLinearModel } from './leastSquares.js';

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

/** The fewest lengths with an interval: a straight line takes two. */
export const FEWEST_LENGTHS = 3;

/**
 * Splits the time of a length sweep into a fixed part, a part for each second of audio and a part for each token.
 * When the tokens are constant, or grow exactly with the audio as in fixed work, their part cannot be told from the
 * other two; the fit then leaves them out and says so.
 *
 * The fit goes through the mean of each length. A length has an effect of its own, padding and blocking that no straight
 * line has, which all its runs share: what is uncertain depends on the number of lengths, however many runs each has.
 *
 * @param runs over at least three audio lengths, as many of each where the intervals are to be exact
 * @throws QwenAsrError `usage` for fewer lengths
 * @example
 * const fit = fitOverhead(sweep);
 * console.log(`${fit.fixedMs.value} ms + ${fit.msPerSecond.value} ms a second`);
 */
export function fitOverhead(runs: readonly OverheadRun[], confidence = 0.95): OverheadFit {
  const lengths = meansByLength(runs);
  if (lengths.length < FEWEST_LENGTHS) {
    throw new QwenAsrError(
      'usage',
      `overhead fit: expected at least ${FEWEST_LENGTHS} audio lengths, found ${lengths.length}`,
    );
  }
  const totalMs = lengths.map((length) => length.totalMs);
  const seconds = lengths.map((length) => length.audioSeconds);
  const tokens = lengths.map((length) => length.tokens);
  const note = tokensUntold(seconds, tokens);
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

function meansByLength(runs: readonly OverheadRun[]): OverheadRun[] {
  const bySeconds = new Map<number, OverheadRun[]>();
  for (const run of runs) {
    const own = bySeconds.get(run.audioSeconds);
    if (own === undefined) bySeconds.set(run.audioSeconds, [run]);
    else own.push(run);
  }
  return [...bySeconds].map(([audioSeconds, own]) => ({
    audioSeconds,
    totalMs: mean(own.map(({ totalMs }) => totalMs)),
    tokens: mean(own.map(({ tokens }) => tokens)),
  }));
}

/** Beyond this share of common variance the two costs trade off freely and either number would be arbitrary. */
const COLLINEAR_R_SQUARED = 0.9999;

function tokensUntold(seconds: readonly number[], tokens: readonly number[]): string | null {
  if (new Set(tokens).size < 2) return 'every run generated the same number of tokens: no cost per token';
  if (seconds.length <= FEWEST_LENGTHS) return 'a cost per token needs four audio lengths';
  if (fitLinearModel(tokens, { seconds }).rSquared > COLLINEAR_R_SQUARED) {
    return 'tokens grow in step with the audio: their cost is part of the cost per second';
  }
  return null;
}
