import type { Tensor } from '../operators.js';
import { floatsOf } from './referenceTensor.js';

/** The rows of a matrix as views, [length] f32 each. */
export function rowsOf(tensor: Tensor, length: number): Float32Array[] {
  const values = floatsOf(tensor);
  return Array.from({ length: values.length / length }, (_, row) =>
    values.subarray(row * length, (row + 1) * length),
  );
}
