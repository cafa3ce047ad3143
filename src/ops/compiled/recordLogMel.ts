import { matmul } from '../../kernels/matmul.js';
import { UNUSED_MATMUL_SLOTS } from '../../kernels/matmulSlots.js';
import { MEL_FLOOR_TILE, melFloor } from '../../kernels/melFloor.js';
import { melLog } from '../../kernels/melLog.js';
import { padColumns } from '../../kernels/padColumns.js';
import { PAD_REFLECT_TILE, padReflect } from '../../kernels/padReflect.js';
import { powerSpectrum } from '../../kernels/powerSpectrum.js';
import { fourierBasis } from '../fourierBasis.js';
import { FFT_BINS, FFT_SIZE, HOP_SAMPLES, MEL_BINS, melFrameCount } from '../logMelShape.js';
import type { Operators } from '../operators.js';
import { checkMelBins } from './checkShapes.js';
import { tensorOf } from './compiledHandles.js';
import type { TapeRecorder } from './tapeRecorder.js';

/** Frames are transformed in blocks, so that buffers stay small however long the clip is. */
const BLOCK_FRAMES = 1024;

/** FFT_BINS up to a multiple of 16; the frequencies added are zero. */
const BINS = 208;

/** Tiles of the two products, chosen by measurement; fixed, so that the kernels serve clips of every length. */
const FOURIER_TILE = { rowsPerTile: 96, columnsPerTile: 32 };
const FILTER_TILE = { rowsPerTile: MEL_BINS, columnsPerTile: 32 };
const POWER_ROWS = 16;

let basis: Float32Array | undefined;

/** Memory that every block of frames uses in turn, as addresses. */
interface Buffers {
  readonly padded: number;
  readonly basis: number;
  /** [BLOCK_FRAMES, 2·BINS] f32. */
  readonly spectrum: number;
  /** [BLOCK_FRAMES, BINS] f32. */
  readonly power: number;
  /** [MEL_BINS, BINS] f32. */
  readonly filters: number;
  /** [MEL_BINS, BLOCK_FRAMES] f32. */
  readonly energies: number;
}

/**
 * The operator `logMel`. The transform is a product of overlapping frames with a windowed Fourier basis: for frames of
 * 400 samples the matrix kernel is fast enough (11 s of audio: 3 ms on two cores) to need no FFT of its own.
 */
export function recordLogMel(tape: TapeRecorder, args: Parameters<Operators['logMel']>[0]): void {
  const samples = tensorOf(args.samples);
  const y = tensorOf(args.y);
  checkMelBins(y.label, y.rowCount);
  const frames = melFrameCount(samples.length);
  const blocks = Math.ceil(frames / BLOCK_FRAMES);
  tape.operator(samples.scope);
  const buffers = allocate(tape, Math.min(frames, BLOCK_FRAMES));
  const maxima = tape.buffer(4 * MEL_BINS * blocks).address;
  recordFilters(tape, tensorOf(args.filters).address, buffers);
  for (let block = 0; block < blocks; block++) {
    const first = block * BLOCK_FRAMES;
    const count = Math.min(BLOCK_FRAMES, frames - first);
    recordPadding(tape, samples, first, count, buffers);
    recordEnergies(tape, count, buffers);
    const slots = {
      energies: buffers.energies,
      count,
      y: y.address + 4 * first,
      yStrideBytes: 4 * frames,
      maxima: maxima + 4 * MEL_BINS * block,
    };
    tape.call(melLog({ stride: BLOCK_FRAMES }), slots, MEL_BINS);
  }
  const floor = { maxima, maximumCount: MEL_BINS * blocks, y: y.address, length: MEL_BINS * frames };
  tape.call(melFloor(), floor, Math.ceil((MEL_BINS * frames) / MEL_FLOOR_TILE));
}

/** @param frames of the largest block */
function allocate(tape: TapeRecorder, frames: number): Buffers {
  const floats = (length: number): number => tape.buffer(4 * length).address;
  // The last tile of the filters' product works on whole columns: it may use power past the last frame.
  const columns = Math.ceil(frames / FILTER_TILE.columnsPerTile) * FILTER_TILE.columnsPerTile;
  return {
    padded: floats(paddedLength(frames)),
    basis: basisAddress(tape),
    spectrum: floats(frames * 2 * BINS),
    power: floats(columns * BINS),
    filters: floats(MEL_BINS * BINS),
    energies: floats(MEL_BINS * BLOCK_FRAMES),
  };
}

function basisAddress(tape: TapeRecorder): number {
  basis ??= fourierBasis(BINS);
  const block = tape.buffer(basis.byteLength);
  new Float32Array(block.buffer, block.bufferOffset, basis.length).set(basis);
  return block.address;
}

/** Samples that consecutive frames cover; a multiple of 16. */
function paddedLength(frames: number): number {
  return (frames - 1) * HOP_SAMPLES + FFT_SIZE;
}

function recordFilters(tape: TapeRecorder, filters: number, buffers: Buffers): void {
  tape.call(padColumns({ from: FFT_BINS, to: BINS }), { x: filters, y: buffers.filters }, MEL_BINS);
}

function recordPadding(
  tape: TapeRecorder,
  samples: { readonly address: number; readonly length: number },
  first: number,
  count: number,
  buffers: Buffers,
): void {
  const slots = {
    samples: samples.address,
    n: samples.length,
    first: first * HOP_SAMPLES - FFT_SIZE / 2,
    padded: buffers.padded,
    count: paddedLength(count),
  };
  tape.call(padReflect(), slots, Math.ceil(paddedLength(count) / PAD_REFLECT_TILE));
}

/** energies = filters · |frames · basisᵀ|²ᵀ, of `count` frames. */
function recordEnergies(tape: TapeRecorder, count: number, buffers: Buffers): void {
  recordProduct(tape, FOURIER_TILE, {
    x: { address: buffers.padded, rows: count, strideBytes: 4 * HOP_SAMPLES },
    weight: { address: buffers.basis, rows: 2 * BINS, used: 2 * BINS },
    depth: FFT_SIZE,
    y: buffers.spectrum,
  });
  const slots = { spectrum: buffers.spectrum, power: buffers.power, m: count };
  tape.call(powerSpectrum({ bins: BINS, rowsPerTile: POWER_ROWS }), slots, Math.ceil(count / POWER_ROWS));
  recordProduct(tape, FILTER_TILE, {
    x: { address: buffers.filters, rows: MEL_BINS, strideBytes: 4 * BINS },
    weight: { address: buffers.power, rows: BLOCK_FRAMES, used: count },
    depth: BINS,
    y: buffers.energies,
  });
}

interface Product {
  readonly x: { readonly address: number; readonly rows: number; readonly strideBytes: number };
  /** `rows` of the matrix, of which the first `used` matter. */
  readonly weight: { readonly address: number; readonly rows: number; readonly used: number };
  readonly depth: number;
  /** [x.rows, weight.rows] f32. */
  readonly y: number;
}

/** y = x · weightᵀ in f32. */
function recordProduct(
  tape: TapeRecorder,
  tile: { readonly rowsPerTile: number; readonly columnsPerTile: number },
  { x, weight, depth, y }: Product,
): void {
  const kernel = matmul({
    aDtype: 'f32',
    bDtype: 'f32',
    n: weight.rows,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    aStrideBytes: x.strideBytes,
    bStrideBytes: 4 * depth,
    indirect: false,
    columnsPerTile: tile.columnsPerTile,
    epilogue: {
      bias: false,
      activation: 'none',
      residual: false,
      yDtype: 'f32',
      yStrideBytes: 4 * weight.rows,
      residualStrideBytes: 0,
    },
  });
  const mTiles = Math.ceil(x.rows / tile.rowsPerTile);
  const slots = {
    ...UNUSED_MATMUL_SLOTS,
    x: x.address,
    weight: weight.address,
    y,
    m: x.rows,
    mTiles,
    rowsPerTile: tile.rowsPerTile,
  };
  tape.call(kernel, slots, mTiles * Math.ceil(weight.used / tile.columnsPerTile));
}
