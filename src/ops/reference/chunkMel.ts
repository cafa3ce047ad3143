import type { Operators } from '../operators.js';
import { pixelsOf } from './referenceStorage.js';
import { floatsOf } from './referenceTensor.js';

/** Cuts mel [bins, frames] into chunks of y.width frames: y [chunks, 1, bins, width], zero after the last frame. */
export function chunkMel({ mel, y }: Parameters<Operators['chunkMel']>[0]): void {
  const input = floatsOf(mel); // [bins, frames] f32
  const frames = mel.shape[1]!;
  const output = pixelsOf(y).fill(0); // [chunks, 1, bins, width] f32
  for (let chunk = 0; chunk < y.chunks; chunk++) {
    const start = chunk * y.width;
    const end = Math.min(start + y.width, frames);
    for (let bin = 0; bin < y.height; bin++) {
      const row = input.subarray(bin * frames + start, bin * frames + end);
      output.set(row, (chunk * y.height + bin) * y.width);
    }
  }
}
