import type { OperandDtype } from './tilePolicy.js';

/**
 * A feature map in memory: channels last, with a border of one element on every side, so that a 3×3 window is three
 * runs of memory: element (c, h, w) of chunk n stands at ((n·(H+2) + h+1)·(W+2) + w+1)·C + c.
 */
export interface FeatureMapLayout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly dtype: OperandDtype;
}

export function elementBytes(map: FeatureMapLayout): number {
  return map.channels * (map.dtype === 'bf16' ? 2 : 4);
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
  return `c${map.channels}h${map.height}w${map.width}${map.dtype}`;
}
