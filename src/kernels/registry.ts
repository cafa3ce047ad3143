import {
  prefillAttentionKernel,
  stepAttentionKernel,
  windowAttentionKernel,
} from './registry/attentionCalls.js';
import {
  chunkMelKernel,
  conv1GeluKernel,
  flattenTimeKernel,
  zeroBordersKernel,
} from './registry/convStemCalls.js';
import type { RegisteredKernel } from './registry/exampleCall.js';
import {
  melFloorKernel,
  melLogKernel,
  padColumnsKernel,
  padReflectKernel,
  powerSpectrumKernel,
} from './registry/melCalls.js';
import {
  argmaxReduceKernel,
  argmaxStreamKernel,
  matmulKernel,
  matvecKernel,
} from './registry/productCalls.js';
import { embedRowsKernel, layerNormKernel, rmsNormKernel, rotaryToCacheKernel } from './registry/rowCalls.js';

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
