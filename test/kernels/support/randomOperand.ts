import { f32Bits, narrowToBf16 } from '../../../src/jit/numberFormats.js';
import { Random } from '../../support/random.js';

/** A prime, so that rows of no matrix start at the same place of the pattern. */
const PERIOD = 65521;

/**
 * Many numbers quickly: seeded numbers in [−scale, scale), rounded to the type, repeated with a period that no row
 * length shares.
 */
export function randomOperand(dtype: 'f32', length: number, seed: number, scale?: number): Float32Array;
export function randomOperand(
  dtype: 'f32' | 'bf16',
  length: number,
  seed: number,
  scale?: number,
): Float32Array | Uint16Array;
export function randomOperand(
  dtype: 'f32' | 'bf16',
  length: number,
  seed: number,
  scale = 1,
): Float32Array | Uint16Array {
  const pattern = new Random(seed).floats(Math.min(length, PERIOD), scale);
  const values = dtype === 'bf16' ? new Uint16Array(length) : new Float32Array(length);
  values.set(dtype === 'bf16' ? pattern.map((value) => narrowToBf16(f32Bits(value))) : pattern);
  for (let done = PERIOD; done < length; done *= 2) {
    values.copyWithin(done, 0, Math.min(done, length - done)); // done is a multiple of the period
  }
  return values;
}
