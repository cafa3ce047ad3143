import { melFloor, melLog, padColumns, padReflect, powerSpectrum } from '../../kernels/audio/logMel.js';
import type { Memory } from '../../kernels/kernel.js';
import { matmul } from '../../kernels/matrix/matmul.js';
import { FFT_BINS, FFT_SIZE, fourierBasis, HOP_SAMPLES, MEL_BINS, melFrameCount } from '../logMelShape.js';
import type { OperatorArgs } from '../operators.js';
import { checkMelBins } from './checkShapes.js';
import { type CompiledTensor, tensorOf } from './compiledTensor.js';
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

/** Memory that every block of frames uses in turn. */
interface Buffers {
  readonly padded: Memory;
  readonly basis: Memory;
  /** [BLOCK_FRAMES, 2·BINS] f32. */
  readonly spectrum: Memory;
  /** [BLOCK_FRAMES, BINS] f32. */
  readonly power: Memory;
  /** [MEL_BINS, BINS] f32. */
  readonly filters: Memory;
  /** [MEL_BINS, BLOCK_FRAMES] f32. */
  readonly energies: Memory;
}

/**
 * The operator `logMel`. The transform is a product of overlapping frames with a windowed Fourier basis: for frames of
 * 400 samples the matrix kernel is fast enough (11 s of audio: 3 ms on two cores) to need no FFT of its own.
 */
export function recordLogMel(tape: TapeRecorder, args: OperatorArgs<'logMel'>): void {
  const samples = tensorOf(args.samples);
  const y = tensorOf(args.y);
  checkMelBins(y.label, y.rowCount);
  const frames = melFrameCount(samples.length);
  const blocks = Math.ceil(frames / BLOCK_FRAMES);
  tape.useScope(samples.scope);
  const buffers = allocate(tape, Math.min(frames, BLOCK_FRAMES));
  const maxima = tape.buffer(4 * MEL_BINS * blocks);
  const kernel = padColumns({ from: FFT_BINS, to: BINS });
  tape.run(kernel.call({ x: tensorOf(args.filters), y: buffers.filters }));
  for (let block = 0; block < blocks; block++) {
    const first = block * BLOCK_FRAMES;
    const count = Math.min(BLOCK_FRAMES, frames - first);
    recordPadding(tape, samples, first, count, buffers);
    recordEnergies(tape, count, buffers);
    tape.run(
      melLog({ stride: BLOCK_FRAMES }).call({
        energies: buffers.energies,
        count,
        y: part(y, 4 * first, y.byteLength - 4 * first),
        yStrideBytes: 4 * frames,
        maxima: part(maxima, 4 * MEL_BINS * block, 4 * MEL_BINS),
      }),
    );
  }
  const maximumCount = MEL_BINS * blocks;
  tape.run(melFloor().call({ maxima, maximumCount, y, length: MEL_BINS * frames }));
}

function part({ address }: Memory, offsetBytes: number, byteLength: number): Memory {
  return { address: address + offsetBytes, byteLength };
}

/** @param frames of the largest block */
function allocate(tape: TapeRecorder, frames: number): Buffers {
  const floats = (length: number): Memory => part(tape.buffer(4 * length), 0, 4 * length);
  return {
    padded: floats(paddedLength(frames)),
    basis: basisMemory(tape),
    spectrum: floats(frames * 2 * BINS),
    power: floats(wholeColumns(frames) * BINS),
    filters: floats(MEL_BINS * BINS),
    energies: floats(MEL_BINS * BLOCK_FRAMES),
  };
}

function basisMemory(tape: TapeRecorder): Memory {
  basis ??= fourierBasis(BINS);
  const block = tape.buffer(basis.byteLength);
  new Float32Array(block.buffer, block.bufferOffset, basis.length).set(basis);
  return block;
}

/** Samples that consecutive frames cover; a multiple of 16. */
function paddedLength(frames: number): number {
  return (frames - 1) * HOP_SAMPLES + FFT_SIZE;
}

function recordPadding(
  tape: TapeRecorder,
  samples: CompiledTensor,
  first: number,
  count: number,
  buffers: Buffers,
): void {
  tape.run(
    padReflect().call({
      samples,
      n: samples.length,
      first: first * HOP_SAMPLES - FFT_SIZE / 2,
      padded: buffers.padded,
      count: paddedLength(count),
    }),
  );
}

/** energies = filters · |frames · basisᵀ|²ᵀ, of `count` frames. */
function recordEnergies(tape: TapeRecorder, count: number, buffers: Buffers): void {
  recordProduct(tape, FOURIER_TILE, {
    x: buffers.padded,
    m: count,
    xStrideBytes: 4 * HOP_SAMPLES,
    weight: buffers.basis,
    n: 2 * BINS,
    depth: FFT_SIZE,
    y: buffers.spectrum,
  });
  const { spectrum, power } = buffers;
  tape.run(powerSpectrum({ bins: BINS, rowsPerTile: POWER_ROWS }).call({ spectrum, power, m: count }));
  recordProduct(tape, FILTER_TILE, {
    x: buffers.filters,
    m: MEL_BINS,
    xStrideBytes: 4 * BINS,
    weight: part(power, 0, 4 * BINS * wholeColumns(count)),
    n: BLOCK_FRAMES,
    depth: BINS,
    y: buffers.energies,
  });
}

/** The last tile of the filters' product works on whole columns: it uses power past the last frame. */
function wholeColumns(frames: number): number {
  const { columnsPerTile } = FILTER_TILE;
  return Math.ceil(frames / columnsPerTile) * columnsPerTile;
}

interface Product {
  readonly x: Memory;
  /** Rows of x. */
  readonly m: number;
  readonly xStrideBytes: number;
  /** Rows of the matrix, of which the first may be given alone: only their columns of y are computed then. */
  readonly weight: Memory;
  readonly n: number;
  readonly depth: number;
  /** [m, n] f32. */
  readonly y: Memory;
}

/** y = x · weightᵀ in f32. */
function recordProduct(
  tape: TapeRecorder,
  { rowsPerTile, columnsPerTile }: { readonly rowsPerTile: number; readonly columnsPerTile: number },
  { x, m, xStrideBytes, weight, n, depth, y }: Product,
): void {
  const kernel = matmul({
    aDtype: 'f32',
    bDtype: 'f32',
    n,
    segments: 1,
    segmentDepth: depth,
    aSegmentStrideBytes: 0,
    aStrideBytes: xStrideBytes,
    bStrideBytes: 4 * depth,
    indirect: false,
    columnsPerTile,
    panels: false,
    epilogue: {
      bias: false,
      activation: 'none',
      residual: false,
      yDtype: 'f32',
      yStrideBytes: 4 * n,
      residualStrideBytes: 0,
    },
  });
  const unused = { weight2: null, bias: null, residual: null, table: null };
  tape.run(kernel.call({ ...unused, x, weight, y, m, rowsPerTile, tilesAtOnce: tape.threadCount }));
}
