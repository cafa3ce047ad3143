import { QwenAsrError } from '../error.js';

/** Published shapes (`0.6b`, `1.7b`) or a scaled-down model (`tiny`, 40 M parameters, nearly all embedding). */
export type SyntheticSize = 'tiny' | '0.6b' | '1.7b';

const SYNTHETIC_SIZES: readonly SyntheticSize[] = ['tiny', '0.6b', '1.7b'];

/** Which synthetic model. */
export interface SyntheticModelName {
  readonly size: SyntheticSize;
  /**
   * Any integer from 0 to 2^53 − 1. 0 and 1 differ, but above about 3.4 million the generator's state is rounded, so
   * neighbouring seeds may give the same weights.
   */
  readonly seed: number;
}

const PREFIX = 'synthetic:';

/** The seed when none is given. */
const DEFAULT_SEED = 1;

/**
 * Reads `synthetic:SIZE` or `synthetic:SIZE:SEED`.
 *
 * @returns null when the text does not begin with `synthetic:`, so that it may be a directory.
 * @throws QwenAsrError `usage` for an unknown size or seed.
 *
 * @example
 * parseSyntheticName('synthetic:0.6b:3'); // { size: '0.6b', seed: 3 }
 */
export function parseSyntheticName(text: string): SyntheticModelName | null {
  if (!text.startsWith(PREFIX)) return null;
  const [size = '', seed, ...rest] = text.slice(PREFIX.length).split(':');
  if (rest.length > 0) {
    throw new QwenAsrError('usage', `${text}: expected synthetic:SIZE or synthetic:SIZE:SEED`);
  }
  return {
    size: parseSyntheticSize(size),
    seed: seed === undefined ? DEFAULT_SEED : parseSyntheticSeed(seed),
  };
}

/**
 * @throws QwenAsrError `usage` for an unknown size.
 *
 * @example
 * parseSyntheticSize('0.6B'); // 0.6b
 */
export function parseSyntheticSize(text: string): SyntheticSize {
  const size = SYNTHETIC_SIZES.find((known) => known === text.toLowerCase());
  if (size !== undefined) return size;
  throw new QwenAsrError(
    'usage',
    `synthetic model: expected size tiny, 0.6b or 1.7b, found ${JSON.stringify(text)}`,
  );
}

/**
 * @throws QwenAsrError `usage` when the text is not an integer from 0 to 2^53 − 1.
 *
 * @example
 * parseSyntheticSeed('7'); // 7
 */
export function parseSyntheticSeed(text: string): number {
  return checkSyntheticSeed(/^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN, JSON.stringify(text));
}

/** Gives the seed back, or throws QwenAsrError `usage`. */
export function checkSyntheticSeed(seed: number, found = String(seed)): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new QwenAsrError(
    'usage',
    `synthetic model: expected a seed from 0 to ${Number.MAX_SAFE_INTEGER}, found ${found}`,
  );
}

/**
 * The name that parseSyntheticName reads.
 *
 * @example
 * formatSyntheticName({ size: 'tiny', seed: 1 }); // synthetic:tiny:1
 */
export function formatSyntheticName({ size, seed }: SyntheticModelName): string {
  return `${PREFIX}${size}:${seed}`;
}
