import { QwenAsrError } from '../../error.js';
import { checkConfidence, checkSample, mean } from './descriptive.js';
import { studentQuantile } from './distributions.js';

/** A fitted coefficient in units of the response per unit of its column. */
interface Coefficient {
  readonly name: string;
  readonly value: number;
  readonly standardError: number;
  /** Student's interval with the fit's degrees of freedom. */
  readonly low: number;
  readonly high: number;
}

/** A linear model fitted by least squares. */
export interface LinearFit {
  /** `intercept` first, then the columns in the order given. */
  readonly coefficients: readonly Coefficient[];
  /** The share of the response's variance that the model explains, 0 … 1. */
  readonly rSquared: number;
  /** √(residual sum of squares / degrees of freedom), in the response's unit. */
  readonly residualDeviation: number;
  readonly degreesOfFreedom: number;
}

/** A column whose part not explained by the others is smaller than this share of itself says nothing new. */
const RANK_TOLERANCE = 1e-9;

/**
 * Ordinary least squares with an intercept, response = intercept + Σ coefficient · column, by the QR decomposition
 * of the centred columns (modified Gram–Schmidt, Björck 1967), with the usual standard errors.
 *
 * @param response [runs]
 * @param columns the explaining values by name, each [runs]
 * @throws QwenAsrError `usage` for columns of another length, too few runs, or a column that is constant or a
 *   combination of the others, named
 * @example
 * fitLinearModel([12, 22, 31, 42], { seconds: [1, 2, 3, 4] }).coefficients[1]; // about 9.9 ms a second
 */
export function fitLinearModel(
  response: readonly number[],
  columns: Readonly<Record<string, readonly number[]>>,
  confidence = 0.95,
): LinearFit {
  checkConfidence(confidence);
  const names = Object.keys(columns);
  checkSample(response, names.length + 2, 'least squares');
  const centred = names.map((name) => centredColumn(name, columns[name]!, response.length));
  const { q, r } = orthogonalise(names, centred);
  const responseMean = mean(response);
  const residual = response.map((value) => value - responseMean);
  const total = dot(residual, residual);
  const projections = q.map((direction) => {
    const projection = dot(direction, residual);
    subtract(residual, direction, projection);
    return projection;
  });
  const degreesOfFreedom = response.length - names.length - 1;
  const sumOfSquares = dot(residual, residual);
  const residualVariance = sumOfSquares / degreesOfFreedom;
  const inverse = invertUpper(r);
  const slopes = inverse.map((row) => dot(row, projections));
  const means = names.map((name) => mean(columns[name]!));
  // Var(intercept) = σ² (1/n + m' (XᵀX)⁻¹ m) with m the column means and (XᵀX)⁻¹ = R⁻¹ R⁻ᵀ.
  const meansTimesInverse = r.map((_, k) => inverse.reduce((sum, row, i) => sum + means[i]! * row[k]!, 0));
  const interceptVariance = 1 / response.length + dot(meansTimesInverse, meansTimesInverse);
  const t = studentQuantile((1 + confidence) / 2, degreesOfFreedom);
  const coefficient = (name: string, value: number, unscaledVariance: number): Coefficient => {
    const standardError = Math.sqrt(residualVariance * unscaledVariance);
    return { name, value, standardError, low: value - t * standardError, high: value + t * standardError };
  };
  return {
    coefficients: [
      coefficient('intercept', responseMean - dot(slopes, means), interceptVariance),
      ...names.map((name, i) => coefficient(name, slopes[i]!, dot(inverse[i]!, inverse[i]!))),
    ],
    rSquared: total === 0 ? 1 : 1 - sumOfSquares / total,
    residualDeviation: Math.sqrt(residualVariance),
    degreesOfFreedom,
  };
}

function centredColumn(name: string, column: readonly number[], length: number): number[] {
  if (column.length !== length) {
    throw new QwenAsrError(
      'usage',
      `least squares: column ${name} has ${column.length} values, expected ${length}`,
    );
  }
  checkSample(column, 1, `least squares, column ${name}`);
  const centre = mean(column);
  return column.map((value) => value - centre);
}

/** Columns = Q R with orthonormal Q and upper-triangular R; each vector of Q is a column made new. */
function orthogonalise(
  names: readonly string[],
  columns: readonly number[][],
): { q: number[][]; r: number[][] } {
  const q: number[][] = [];
  const r = columns.map(() => new Array<number>(columns.length).fill(0));
  columns.forEach((column, j) => {
    const rest = column.slice();
    const size = Math.sqrt(dot(rest, rest));
    q.forEach((direction, i) => {
      r[i]![j] = dot(direction, rest);
      subtract(rest, direction, r[i]![j]!);
    });
    const length = Math.sqrt(dot(rest, rest));
    if (!(length > RANK_TOLERANCE * size)) {
      const reason = j === 0 || size === 0 ? 'is constant' : 'is a combination of the columns before it';
      throw new QwenAsrError(
        'usage',
        `least squares: column ${names[j]} ${reason}, so its part cannot be told`,
      );
    }
    r[j]![j] = length;
    q.push(rest.map((value) => value / length));
  });
  return { q, r };
}

/** The inverse of an upper-triangular matrix, by back substitution. */
function invertUpper(r: readonly number[][]): number[][] {
  const size = r.length;
  const inverse = r.map(() => new Array<number>(size).fill(0));
  for (let column = 0; column < size; column++) {
    inverse[column]![column] = 1 / r[column]![column]!;
    for (let row = column - 1; row >= 0; row--) {
      let sum = 0;
      for (let k = row + 1; k <= column; k++) sum += r[row]![k]! * inverse[k]![column]!;
      inverse[row]![column] = -sum / r[row]![row]!;
    }
  }
  return inverse;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}

function subtract(target: number[], direction: readonly number[], factor: number): void {
  for (let i = 0; i < target.length; i++) target[i]! -= factor * direction[i]!;
}

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
