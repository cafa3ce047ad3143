import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode } from '../jit/ir.js';
import { type KernelSpec, kernelParams, loadSlot } from './kernel.js';
import { rowRange } from './rowRange.js';

/** spectrum [m, 2·bins] f32: real parts, then imaginary ones; power [m, bins] f32. */
export const POWER_SPECTRUM_SLOTS = { spectrum: 0, power: 1, m: 2 } as const;

export interface PowerSpectrumSpec {
  /** A multiple of 16. */
  readonly bins: number;
  readonly rowsPerTile: number;
}

/** power = re² + im²; error 2·2⁻²⁴ of it. */
export function powerSpectrum(spec: PowerSpectrumSpec): KernelSpec<keyof typeof POWER_SPECTRUM_SLOTS> {
  return {
    name: `powerSpectrum.${spec.bins}.t${spec.rowsPerTile}`,
    slots: POWER_SPECTRUM_SLOTS,
    emit: (capabilities) => emit(spec, capabilities),
  };
}

function emit({ bins, rowsPerTile }: PowerSpectrumSpec, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder('powerSpectrum', capabilities);
  const params = kernelParams(k);
  const { first, count } = rowRange(k, params, rowsPerTile, POWER_SPECTRUM_SLOTS.m);
  const spectrum = loadSlot(k, params, POWER_SPECTRUM_SLOTS.spectrum);
  k.advance(spectrum, k.intOp('mul', first, 8 * bins));
  const power = loadSlot(k, params, POWER_SPECTRUM_SLOTS.power);
  k.advance(power, k.intOp('mul', first, 4 * bins));
  k.loop(count, () => {
    k.loop(bins / k.lanes, () => {
      const re = k.load(k.at(spectrum));
      const im = k.load(k.at(spectrum, 4 * bins));
      const sum = k.mul(re, re);
      k.fma(sum, im, im);
      k.store(k.at(power), sum);
      k.advance(spectrum, 4 * k.lanes);
      k.advance(power, 4 * k.lanes);
    });
    k.advance(spectrum, 4 * bins);
  });
  return k.finish();
}
