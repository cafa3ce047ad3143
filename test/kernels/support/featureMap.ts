import type { PlainMapLayout } from '../../../src/kernels/audio/featureMap.js';
import { widen } from './kernelHarness.js';
import { randomOperand } from './randomOperand.js';

/** A feature map in memory, read and written by its coordinates, which may be those of the border (−1 and the size). */
export class FeatureMapArray {
  readonly layout: PlainMapLayout;
  readonly array: Float32Array | Uint16Array;

  /** Random inside, zero at the border; or `fill` everywhere. */
  constructor(layout: PlainMapLayout, chunks: number, fill: { seed: number } | { everywhere: number }) {
    const { channels, height, width, dtype } = layout;
    const length = chunks * (height + 2) * (width + 2) * channels;
    this.layout = layout;
    if ('everywhere' in fill) {
      this.array = randomOperand(dtype, length, 0);
      this.array.fill(fill.everywhere);
      return;
    }
    this.array = randomOperand(dtype, length, fill.seed);
    for (let chunk = 0; chunk < chunks; chunk++) {
      for (const [h, w] of borderCells(layout))
        this.array.fill(0, this.index(chunk, 0, h, w), this.index(chunk, channels, h, w));
    }
  }

  /** Position of element (c, h, w) of a chunk, by the definition in featureMap.ts. */
  index(chunk: number, channel: number, h: number, w: number): number {
    const { channels, height, width } = this.layout;
    return ((chunk * (height + 2) + h + 1) * (width + 2) + w + 1) * channels + channel;
  }

  /** All channels of a cell, widened. */
  cell(chunk: number, h: number, w: number): Float32Array {
    const start = this.index(chunk, 0, h, w);
    return widen(this.array.subarray(start, start + this.layout.channels));
  }
}

/** (h, w) of every cell of a map's border. */
export function borderCells({
  height,
  width,
}: Pick<PlainMapLayout, 'height' | 'width'>): (readonly [number, number])[] {
  const cells: (readonly [number, number])[] = [];
  for (let w = -1; w <= width; w++) cells.push([-1, w], [height, w]);
  for (let h = 0; h < height; h++) cells.push([h, -1], [h, width]);
  return cells;
}
