import { transposed } from '../convolutionChannels.js';
import type { FeatureMap, OperatorArgs } from '../operators.js';
import { gelu, roundGroups } from './products.js';
import { floatsOf, pixelsOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';

/** Cuts mel [bins, frames] into chunks of y.width frames: y [chunks, 1, bins, width], zero after the last frame. */
export function chunkMel({ mel, y }: OperatorArgs<'chunkMel'>): void {
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

/** 3×3 convolution, stride 2, padding 1, plus bias, then exact GELU, over NCHW arrays. weight [Cout, Cin, 3, 3]. */
export function conv2dGelu({ x, weight, bias, y }: OperatorArgs<'conv2dGelu'>): void {
  const filters = weightOf(weight);
  const { groupSize } = filters;
  const input = groupSize === null ? pixelsOf(x) : roundedPixels(x, groupSize); // [chunks, Cin, H, W] f32
  const output = pixelsOf(y); // [chunks, Cout, ⌈H/2⌉, ⌈W/2⌉] f32
  const shifts = weightOf(bias).widenAll(); // [Cout] f32
  const filter = new Float32Array(filters.rowLength); // [Cin, 3, 3]
  const inputPlane = x.height * x.width;
  const outputPlane = y.height * y.width;
  const sums = new Float64Array(outputPlane);
  for (let co = 0; co < y.channels; co++) {
    filters.widenRow(co, filter);
    for (let chunk = 0; chunk < x.chunks; chunk++) {
      sums.fill(shifts[co]!);
      for (let ci = 0; ci < x.channels; ci++) {
        const start = (chunk * x.channels + ci) * inputPlane;
        const plane = input.subarray(start, start + inputPlane);
        addPlane(plane, x, filter.subarray(ci * 9, ci * 9 + 9), sums, y);
      }
      const at = (chunk * y.channels + co) * outputPlane;
      for (let i = 0; i < outputPlane; i++) output[at + i] = gelu(sums[i]!);
    }
  }
}

/** A map whose channels are rounded at each place, in groups. */
function roundedPixels(x: FeatureMap, groupSize: number): Float32Array {
  const { chunks, channels, height, width } = x;
  const dims = [chunks, channels, height * width] as const;
  const moved = transposed(pixelsOf(x), dims); // [chunks, H·W, Cin]
  return transposed(roundGroups(moved, groupSize), [chunks, height * width, channels]);
}

interface PlaneSize {
  readonly height: number;
  readonly width: number;
}

/** sums[i, j] += Σ filter[a, b] · plane[2i + a − 1, 2j + b − 1], where a plane is zero outside its bounds. */
function addPlane(
  plane: Float32Array,
  { height, width }: PlaneSize,
  filter: Float32Array,
  sums: Float64Array,
  sumsSize: PlaneSize,
): void {
  for (let i = 0; i < sumsSize.height; i++) {
    for (let a = 0; a < 3; a++) {
      const row = 2 * i + a - 1;
      if (row < 0 || row >= height) continue;
      for (let b = 0; b < 3; b++) {
        const factor = filter[a * 3 + b]!;
        // The outputs j whose column 2j + b − 1 lies within the plane.
        const first = b === 0 ? 1 : 0;
        const end = Math.min(sumsSize.width, Math.floor((width - b) / 2) + 1);
        const input = row * width + b - 1;
        const output = i * sumsSize.width;
        for (let j = first; j < end; j++) sums[output + j]! += factor * plane[input + 2 * j]!;
      }
    }
  }
}

/** y[chunk·width + t, c·height + f] = x[chunk, c, f, t], for as many rows as y has. */
export function flattenTime({ x, y }: OperatorArgs<'flattenTime'>): void {
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
