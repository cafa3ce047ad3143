import type { KernelBuilder } from '../jit/builder.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams, rowRange } from './kernel.js';

/** spectrum [m, 2·bins] f32: real parts, then imaginary ones; power [m, bins] f32. */
const POWER_SPECTRUM_ARGUMENTS = {
  spectrum: 'reads',
  power: 'writes',
  m: 'number',
} as const satisfies ArgumentUses;

export interface PowerSpectrumSpec {
  /** A multiple of 16. */
  readonly bins: number;
  readonly rowsPerTile: number;
}

/** power = re² + im²; error 2·2⁻²⁴ of it. */
export function powerSpectrum(spec: PowerSpectrumSpec): Kernel<typeof POWER_SPECTRUM_ARGUMENTS> {
  return defineKernel({
    name: `powerSpectrum.${spec.bins}.t${spec.rowsPerTile}`,
    args: POWER_SPECTRUM_ARGUMENTS,
    tiles: ({ m }) => Math.ceil(m / spec.rowsPerTile),
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(
  k: KernelBuilder,
  { bins, rowsPerTile }: PowerSpectrumSpec,
  { args, tile }: KernelParams<typeof POWER_SPECTRUM_ARGUMENTS>,
): void {
  const { first, count } = rowRange(k, tile, rowsPerTile, args.m);
  const spectrum = args.spectrum();
  k.advance(spectrum, k.intOp('mul', first, 8 * bins));
  const power = args.power();
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
}
