import type { KernelBuilder } from '../../../src/jit/builder.js';
import type { VecReg } from '../../../src/jit/ir.js';
import { defineKernel } from '../../../src/kernels/kernel.js';
import { type KernelTarget, runKernel } from './kernelHarness.js';

/** Runs a function of one vector over many numbers, on a target. */
export function mapVector(
  target: KernelTarget,
  emit: (k: KernelBuilder) => (x: VecReg) => VecReg,
  values: Float32Array,
): Float32Array {
  const padded = new Float32Array(16 * Math.ceil(values.length / 16));
  padded.set(values);
  const kernel = defineKernel({
    name: 'mapVector',
    args: { values: 'updates', length: 'number' },
    tiles: () => 1,
    emit: (k, { args }) => {
      const at = args.values();
      const vectors = args.length();
      const map = emit(k);
      k.loop(k.intOp('divide', vectors, k.lanes), () => {
        k.store(k.at(at), map(k.load(k.at(at))));
        k.advance(at, 4 * k.lanes);
      });
    },
  });
  runKernel(target, kernel, { values: padded, length: padded.length });
  return padded.subarray(0, values.length);
}
