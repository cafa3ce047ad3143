import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams, rowRange } from '../kernel.js';
import { emitLn } from '../vectorMath.js';

/*
 * The kernels of the log-mel spectrogram, in the order of the data. Between them, products with the Fourier basis and
 * with the mel filters turn frames into spectra, and power into energies.
 */

/**
 * samples [n] f32; padded [count] f32, count a multiple of 16. `first` is the position in samples that padded starts
 * with, negative before the clip.
 */
const PAD_REFLECT_ARGUMENTS = {
  samples: 'reads',
  n: 'number',
  first: 'number',
  padded: 'writes',
  count: 'number',
} as const satisfies ArgumentUses;

/** Elements of a tile. */
export const PAD_REFLECT_TILE = 4096;

/**
 * padded[i] = samples[first + i], mirrored at both ends without repeating the end sample: −1 reads sample 1, n reads
 * sample n − 2. Exact. first + i lies between 1 − n and 2·(n − 1); beyond that it reads sample 0.
 */
export function padReflect(): Kernel<typeof PAD_REFLECT_ARGUMENTS> {
  return defineKernel({
    name: 'padReflect',
    args: PAD_REFLECT_ARGUMENTS,
    tiles: ({ count }) => Math.ceil(count / PAD_REFLECT_TILE),
    emit: emitPadReflect,
  });
}

function emitPadReflect(k: KernelBuilder, { args, tile }: KernelParams<typeof PAD_REFLECT_ARGUMENTS>): void {
  const at = k.intOp('mul', tile, PAD_REFLECT_TILE);
  const run = k.intOp('sub', args.count(), at);
  k.intOp('min', run, PAD_REFLECT_TILE, run);
  const to = args.padded();
  k.advance(to, k.intOp('shiftLeft', at, 2));
  const position = k.intOp('add', at, args.first());
  const samples = args.samples();
  const n = args.n();
  // Negative when the run leaves the clip at either end.
  const inside = k.intOp('sub', n, position);
  k.intOp('sub', inside, run, inside);
  k.intOp('min', inside, position, inside);
  k.if(
    'ge',
    inside,
    0,
    () => copyRun(k, samples, position, to, run),
    () => mirrorRun(k, { samples, n, position, to, run }),
  );
}

function copyRun(k: KernelBuilder, samples: IntReg, position: IntReg, to: IntReg, run: IntReg): void {
  const from = k.intOp('shiftLeft', position, 2);
  k.advance(from, samples);
  k.loop(k.intOp('divide', run, k.lanes), () => {
    k.store(k.at(to), k.load(k.at(from)));
    k.advance(from, 4 * k.lanes);
    k.advance(to, 4 * k.lanes);
  });
}

function mirrorRun(
  k: KernelBuilder,
  { samples, n, position, to, run }: Record<'samples' | 'n' | 'position' | 'to' | 'run', IntReg>,
): void {
  const lastTwice = k.intOp('shiftLeft', k.intOp('sub', n, 1), 1);
  k.loop(run, () => {
    const index = k.intOp('sub', k.intConst(0), position);
    k.intOp('max', index, position, index);
    k.intOp('min', index, k.intOp('sub', lastTwice, index), index);
    k.intOp('max', index, 0, index);
    k.intOp('shiftLeft', index, 2, index);
    k.intStore(k.at(to), k.intLoad(k.at(samples, 0, index), 'i32'), 'i32');
    k.advance(position, 1);
    k.advance(to, 4);
  });
}

/** x [rows, from] f32, y [rows, to] f32; a tile is a row. */
const PAD_COLUMNS_ARGUMENTS = { x: 'reads', y: 'writes' } as const satisfies ArgumentUses;

export interface PadColumnsSpec {
  readonly from: number;
  readonly to: number;
}

/** Copies a matrix to longer rows that end in zeros, so that products along them need no tail. Exact. */
export function padColumns(spec: PadColumnsSpec): Kernel<typeof PAD_COLUMNS_ARGUMENTS> {
  return defineKernel({
    name: `padColumns.${spec.from}.${spec.to}`,
    args: PAD_COLUMNS_ARGUMENTS,
    tiles: ({ y }) => y.byteLength / (4 * spec.to),
    emit: (k, params) => emitPadColumns(k, spec, params),
  });
}

function emitPadColumns(
  k: KernelBuilder,
  { from, to }: PadColumnsSpec,
  { args, tile }: KernelParams<typeof PAD_COLUMNS_ARGUMENTS>,
): void {
  const x = args.x();
  k.advance(x, k.intOp('mul', tile, 4 * from));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, 4 * to));
  k.loop(from, () => {
    k.intStore(k.at(y), k.intLoad(k.at(x), 'i32'), 'i32');
    k.advance(x, 4);
    k.advance(y, 4);
  });
  k.loop(to - from, () => {
    k.intStore(k.at(y), 0, 'i32');
    k.advance(y, 4);
  });
}

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
    emit: (k, params) => emitPowerSpectrum(k, spec, params),
  });
}

function emitPowerSpectrum(
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

/**
 * energies: rows of `stride` f32, of which `count` are frames; y: rows of `yStrideBytes` bytes; maxima [rows] f32.
 * A tile is a row (a mel bin).
 */
const MEL_LOG_ARGUMENTS = {
  energies: 'reads',
  count: 'number',
  y: 'writes',
  yStrideBytes: 'number',
  maxima: 'writes',
} as const satisfies ArgumentUses;

/** The logarithm's floor (WhisperFeatureExtractor). */
const MIN_ENERGY = 1e-10;

/**
 * y[bin, t] = log10(max(energies[bin, t], 1e-10)) for t < count, and the maximum of every row. NaN and infinity give
 * NaN. Absolute error below 1e-7 + 2⁻²²·|y|.
 *
 * @param spec.stride a multiple of 16; kernels read (and ignore) up to a vector past `count`
 */
export function melLog(spec: { readonly stride: number }): Kernel<typeof MEL_LOG_ARGUMENTS> {
  return defineKernel({
    name: `melLog.${spec.stride}`,
    args: MEL_LOG_ARGUMENTS,
    tiles: ({ maxima }) => maxima.byteLength / 4,
    emit: (k, params) => emitMelLog(k, spec.stride, params),
  });
}

function emitMelLog(
  k: KernelBuilder,
  stride: number,
  { args, tile, scratch }: KernelParams<typeof MEL_LOG_ARGUMENTS>,
): void {
  const from = args.energies();
  k.advance(from, k.intOp('mul', tile, 4 * stride));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, args.yStrideBytes()));
  const count = args.count();
  const maximum = k.vecConst(Math.log10(MIN_ENERGY));
  k.loop(k.intOp('divide', count, k.lanes), () => {
    const value = emitLog10(k, k.load(k.at(from)));
    k.max(maximum, value, maximum);
    k.store(k.at(y), value);
    k.advance(from, 4 * k.lanes);
    k.advance(y, 4 * k.lanes);
  });
  // The last frames one by one: the row after this one starts right behind them.
  const rest = k.intOp('remainder', count, k.lanes);
  k.if('gt', rest, 0, () => {
    k.store(k.at(scratch), emitLog10(k, k.load(k.at(from))));
    const one = k.int();
    k.intMove(one, scratch);
    k.loop(rest, () => {
      const value = k.broadcast(k.at(one));
      k.max(maximum, value, maximum);
      k.storeLow(k.at(y), value, 1);
      k.advance(one, 4);
      k.advance(y, 4);
    });
  });
  const maxima = args.maxima();
  k.storeLow(k.at(maxima, 0, k.intOp('shiftLeft', tile, 2)), k.reduce('max', maximum), 1);
}

/** @param energy overwritten */
function emitLog10(k: KernelBuilder, energy: VecReg): VecReg {
  const zeroOrNan = k.mul(energy, k.vecConst(0));
  const log = emitLn(k, k.max(energy, k.vecConst(MIN_ENERGY), energy));
  k.fma(zeroOrNan, log, k.vecConst(Math.LOG10E));
  return zeroOrNan;
}

/** maxima [maximumCount] f32, y [length] f32; both counts multiples of 16. */
const MEL_FLOOR_ARGUMENTS = {
  maxima: 'reads',
  maximumCount: 'number',
  y: 'updates',
  length: 'number',
} as const satisfies ArgumentUses;

/** Elements of a tile. */
export const MEL_FLOOR_TILE = 4096;

/** How far below the clip's loudest cell values are kept, in decades (WhisperFeatureExtractor). */
const DYNAMIC_RANGE = 8;

/** In place: y = (max(y, max over maxima − 8) + 4) / 4. Error 2⁻²³·max(|y|, 1). */
export function melFloor(): Kernel<typeof MEL_FLOOR_ARGUMENTS> {
  return defineKernel({
    name: 'melFloor',
    args: MEL_FLOOR_ARGUMENTS,
    tiles: ({ length }) => Math.ceil(length / MEL_FLOOR_TILE),
    emit: emitMelFloor,
  });
}

function emitMelFloor(k: KernelBuilder, { args, tile }: KernelParams<typeof MEL_FLOOR_ARGUMENTS>): void {
  const at = args.maxima();
  const maximum = k.load(k.at(at));
  k.loop(k.intOp('divide', args.maximumCount(), k.lanes), () => {
    k.max(maximum, k.at(at), maximum);
    k.advance(at, 4 * k.lanes);
  });
  const floor = k.sub(k.reduce('max', maximum), k.vecConst(DYNAMIC_RANGE));
  const first = k.intOp('mul', tile, MEL_FLOOR_TILE);
  const run = k.intOp('sub', args.length(), first);
  k.intOp('min', run, MEL_FLOOR_TILE, run);
  const y = args.y();
  k.advance(y, k.intOp('shiftLeft', first, 2));
  const one = k.vecConst(1);
  const quarter = k.vecConst(0.25);
  k.loop(k.intOp('divide', run, k.lanes), () => {
    const raised = k.max(floor, k.at(y)); // the second operand wins for NaN, which so gets through
    const value = k.vecMove(k.vec(), one);
    k.fma(value, raised, quarter);
    k.store(k.at(y), value);
    k.advance(y, 4 * k.lanes);
  });
}
