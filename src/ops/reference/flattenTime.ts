import type { Operators } from '../operators.js';
import { pixelsOf } from './referenceStorage.js';
import { floatsOf } from './referenceTensor.js';

/** y[chunk·width + t, c·height + f] = x[chunk, c, f, t], for as many rows as y has. */
export function flattenTime({ x, y }: Parameters<Operators['flattenTime']>[0]): void {
  const input = pixelsOf(x); // [chunks, channels, height, width] f32
  const output = floatsOf(y); // [rows, channels·height] f32
  const features = x.channels * x.height;
  for (let row = 0; row < y.shape[0]!; row++) {
    const chunk = Math.floor(row / x.width);
    const t = row % x.width;
    for (let feature = 0; feature < features; feature++) {
      output[row * features + feature] = input[(chunk * features + feature) * x.width + t]!;
    }
  }
}
