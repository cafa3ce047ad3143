import {
  chunkMelKernel,
  conv1GeluKernel,
  flattenTimeKernel,
  melFloorKernel,
  melLogKernel,
  padColumnsKernel,
  padReflectKernel,
  powerSpectrumKernel,
  zeroBordersKernel,
} from './audioCalls.js';
import type { RegisteredKernel } from './exampleCall.js';
import {
  embedRowsKernel,
  layerNormKernel,
  prefillAttentionKernel,
  quantizeActivationsKernel,
  rmsNormKernel,
  rotaryToCacheKernel,
  stepAttentionKernel,
  widenRowsKernel,
  windowAttentionKernel,
} from './layerCalls.js';
import { compareBytesKernel, packAffineKernel, packPairsKernel, packRowsKernel } from './packCalls.js';
import { argmaxReduceKernel, argmaxStreamKernel, matmulKernel, matvecKernel } from './productCalls.js';

/** Every kernel of loading and of a forward pass, in the order of the data flow; what benchmarks run and tests check for gaps. */
export const kernelRegistry: readonly RegisteredKernel[] = [
  compareBytesKernel,
  packRowsKernel,
  packAffineKernel,
  padReflectKernel,
  padColumnsKernel,
  powerSpectrumKernel,
  melLogKernel,
  melFloorKernel,
  chunkMelKernel,
  zeroBordersKernel,
  conv1GeluKernel,
  flattenTimeKernel,
  layerNormKernel,
  packPairsKernel,
  widenRowsKernel,
  matmulKernel,
  windowAttentionKernel,
  embedRowsKernel,
  rmsNormKernel,
  quantizeActivationsKernel,
  rotaryToCacheKernel,
  prefillAttentionKernel,
  stepAttentionKernel,
  matvecKernel,
  argmaxStreamKernel,
  argmaxReduceKernel,
];
