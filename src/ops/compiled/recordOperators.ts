import type { Operators } from '../operators.js';
import type { Probe } from './compiledPass.js';
import { tensorOf } from './compiledTensor.js';
import { recordCachedAttention, recordWindowAttention } from './recordAttention.js';
import { recordChunkMel, recordConv2dGelu, recordFlattenTime } from './recordConvStem.js';
import { recordLogMel } from './recordLogMel.js';
import { recordArgmaxLinear, recordLinear, recordSwiglu } from './recordProducts.js';
import { recordEmbed, recordLayerNorm, recordRmsNorm, recordRotaryToCache } from './recordRows.js';
import type { TapeRecorder } from './tapeRecorder.js';

/** Operators that append kernel calls to a tape. @param probes where `probe` leaves its points; null: nobody looks */
export function recordOperators(tape: TapeRecorder, probes: Probe[] | null): Operators {
  return {
    logMel: (args) => recordLogMel(tape, args),
    chunkMel: (args) => recordChunkMel(tape, args),
    conv2dGelu: (args) => recordConv2dGelu(tape, args),
    flattenTime: (args) => recordFlattenTime(tape, args),
    linear: (args) => recordLinear(tape, args),
    swiglu: (args) => recordSwiglu(tape, args),
    layerNorm: (args) => recordLayerNorm(tape, args),
    rmsNorm: (args) => recordRmsNorm(tape, args),
    windowAttention: (args) => recordWindowAttention(tape, args),
    rotaryToCache: (args) => recordRotaryToCache(tape, args),
    cachedAttention: (args) => recordCachedAttention(tape, args),
    embed: (args) => recordEmbed(tape, args),
    argmaxLinear: (args) => recordArgmaxLinear(tape, args),
    probe: (stage, x) => {
      probes?.push({ stage, tensor: tensorOf(x), callCount: tape.calls.length });
    },
  };
}
