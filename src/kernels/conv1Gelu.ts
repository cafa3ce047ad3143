import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { chunkBytes, elementBytes, type FeatureMapLayout, layoutName, rowBytes } from './featureMapLayout.js';
import { Gelu } from './gelu.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

/** x: one-channel map f32; weight [9, C] f32, taps row by row; bias [C] f32; y: map of C channels. */
const CONV1_ARGUMENTS = {
  x: 'reads',
  weight: 'reads',
  bias: 'reads',
  y: 'writes',
} as const satisfies ArgumentUses;

type Params = KernelParams<typeof CONV1_ARGUMENTS>;

export interface Conv1Spec {
  readonly x: FeatureMapLayout;
  readonly y: FeatureMapLayout;
}

/**
 * The first convolution: 3×3, stride 2, padding 1, one input channel, plus bias, then exact GELU. A tile is one output
 * row of one chunk; at each position nine inputs are broadcast and lanes run along channels.
 * Error: 17·2⁻²⁴·Σ|x·w| before GELU, then GELU's, and the rounding of y.
 */
export function conv1Gelu(spec: Conv1Spec): Kernel<typeof CONV1_ARGUMENTS> {
  return defineKernel({
    name: `conv1Gelu.${layoutName(spec.x)}.${layoutName(spec.y)}`,
    args: CONV1_ARGUMENTS,
    tiles: ({ y }) => (y.byteLength / chunkBytes(spec.y)) * spec.y.height,
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(k: KernelBuilder, spec: Conv1Spec, params: Params): void {
  const { x, y } = rowPointers(k, spec, params);
  const gelu = new Gelu(k);
  const { channels, width, dtype } = spec.y;
  const yBytes = dtype === 'bf16' ? 2 : 4;
  k.loop(width, () => {
    emitPosition(k, spec, params, x);
    const c = k.int();
    k.intMove(c, params.scratch);
    k.loop(channels / k.lanes, () => {
      k.store(k.at(y), gelu.emit(k.load(k.at(c))), dtype === 'bf16' ? 'bf16' : 'raw');
      k.advance(c, 4 * k.lanes);
      k.advance(y, yBytes * k.lanes);
    });
    k.advance(x, 2 * elementBytes(spec.x));
  });
}

/** scratch[c] = bias[c] + Σ_tap x[tap]·weight[tap, c] at one position. */
function emitPosition(k: KernelBuilder, spec: Conv1Spec, { args, scratch }: Params, x: IntReg): void {
  const { channels } = spec.y;
  const taps = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => row * rowBytes(spec.x) + column * 4));
  const inputs = taps.map((offset) => k.broadcast(k.at(x, offset)));
  const weight = args.weight();
  const bias = args.bias();
  const offset = k.intConst(0);
  k.while('lt', offset, 4 * channels, () => {
    const sum = k.load(k.at(bias, 0, offset));
    inputs.forEach((input, tap) => {
      k.fma(sum, input, k.at(weight, 4 * tap * channels, offset));
    });
    k.store(k.at(scratch, 0, offset), sum);
    k.advance(offset, 4 * k.lanes);
  });
}

/** First window of the tile's row in x, and its first element in y. */
function rowPointers(k: KernelBuilder, spec: Conv1Spec, { args, tile }: Params): { x: IntReg; y: IntReg } {
  const chunk = k.intOp('divide', tile, spec.y.height);
  const row = k.intOp('remainder', tile, spec.y.height);
  const x = args.x();
  k.advance(x, k.intOp('mul', chunk, chunkBytes(spec.x)));
  k.advance(x, k.intOp('mul', row, 2 * rowBytes(spec.x)));
  const y = args.y();
  k.advance(y, k.intOp('mul', chunk, chunkBytes(spec.y)));
  k.advance(y, k.intOp('mul', row, rowBytes(spec.y)));
  k.advance(y, rowBytes(spec.y) + elementBytes(spec.y));
  return { x, y };
}
