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
  rmsNormKernel,
  rotaryToCacheKernel,
  stepAttentionKernel,
  windowAttentionKernel,
} from './layerCalls.js';
import { argmaxReduceKernel, argmaxStreamKernel, matmulKernel, matvecKernel } from './productCalls.js';

/** Every kernel of a forward pass, in the order of the data flow; what benchmarks run and tests check for gaps. */
export const kernelRegistry: readonly RegisteredKernel[] = [
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
  matmulKernel,
  windowAttentionKernel,
  embedRowsKernel,
  rmsNormKernel,
  rotaryToCacheKernel,
  prefillAttentionKernel,
  stepAttentionKernel,
  matvecKernel,
  argmaxStreamKernel,
  argmaxReduceKernel,
];
