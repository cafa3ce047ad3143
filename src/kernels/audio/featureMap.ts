import { operandName, QuantizedRows } from '../matrix/formats/affineBlocks.js';
import { OPERAND_BYTES, type OperandDtype } from '../matrix/productPolicy.js';

/**
 * A feature map in memory: channels last, with a border of one element on every side, so that a 3×3 window is three
 * runs of memory: element (c, h, w) of chunk n stands at ((n·(H+2) + h+1)·(W+2) + w+1)·C + c.
 */
export interface FeatureMapLayout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Quantised: the channels of an element are a row, in groups of their own. */
  readonly dtype: OperandDtype | QuantizedRows;
}

/** A feature map of floating-point numbers. */
export interface PlainMapLayout extends FeatureMapLayout {
  readonly dtype: OperandDtype;
}

/** Of all channels at one place. */
export function elementBytes({ channels, dtype }: FeatureMapLayout): number {
  return dtype instanceof QuantizedRows ? dtype.rowBytes(channels) : channels * OPERAND_BYTES[dtype];
}

/** From one row of a map to the next. */
export function rowBytes(map: FeatureMapLayout): number {
  return (map.width + 2) * elementBytes(map);
}

/** From one chunk to the next. */
export function chunkBytes(map: FeatureMapLayout): number {
  return (map.height + 2) * rowBytes(map);
}

export function layoutName(map: FeatureMapLayout): string {
  return `c${map.channels}h${map.height}w${map.width}${operandName(map.dtype)}`;
}

/**
 * Where the windows of a 3×3 convolution of stride 2 and padding 1 start in x, and their outputs in y: the table of an
 * `indirect` matrix product.
 *
 * @returns [chunks·y.height·y.width] pairs of i32: byte offset in x, byte offset in y.
 */
export function convolutionWindows(x: FeatureMapLayout, y: FeatureMapLayout, chunks: number): Int32Array {
  const table = new Int32Array(2 * chunks * y.height * y.width);
  let i = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    for (let h = 0; h < y.height; h++) {
      for (let w = 0; w < y.width; w++) {
        table[i++] = chunk * chunkBytes(x) + 2 * h * rowBytes(x) + 2 * w * elementBytes(x);
        table[i++] = chunk * chunkBytes(y) + (h + 1) * rowBytes(y) + (w + 1) * elementBytes(y);
      }
    }
  }
  return table;
}
