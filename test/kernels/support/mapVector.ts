import { KernelBuilder } from '../../../src/jit/builder.js';
import type { VecReg } from '../../../src/jit/ir.js';
import { kernelParams, loadSlot } from '../../../src/kernels/kernel.js';
import { type KernelTarget, runKernel } from './kernelHarness.js';

/** Runs a function of one vector over many numbers, on a target. */
export function mapVector(
  target: KernelTarget,
  emit: (k: KernelBuilder) => (x: VecReg) => VecReg,
  values: Float32Array,
): Float32Array {
  const padded = new Float32Array(16 * Math.ceil(values.length / 16));
  padded.set(values);
  const name = 'mapVector';
  const spec = {
    name,
    slots: { values: 0, length: 1 },
    emit: (capabilities: KernelTarget['capabilities']) => {
      const k = new KernelBuilder(name, capabilities);
      const params = kernelParams(k);
      const at = loadSlot(k, params, 0);
      const vectors = loadSlot(k, params, 1);
      const map = emit(k);
      k.loop(k.intOp('divide', vectors, k.lanes), () => {
        k.store(k.at(at), map(k.load(k.at(at))));
        k.advance(at, 4 * k.lanes);
      });
      return k.finish();
    },
  };
  runKernel(target, spec, { slots: [padded, padded.length], tiles: 1 });
  return padded.subarray(0, values.length);
}
