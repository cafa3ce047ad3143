import type { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, PrefetchHint, TileNumber, VecReg } from '../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

/*
 * Kernels that do nothing but reach a limit of the machine, for the roofline: each tile is a fixed amount of work.
 */

/** How much there is to do: so often the work of a tile, and so many tiles. */
const CEILING_ARGUMENTS = { repetitions: 'number', tiles: 'number' } as const satisfies ArgumentUses;

const READ_ARGUMENTS = { ...CEILING_ARGUMENTS, memory: 'reads' } as const satisfies ArgumentUses;
const WRITE_ARGUMENTS = { ...READ_ARGUMENTS, memory: 'writes' } as const satisfies ArgumentUses;

export type CeilingKind = 'f32' | 'bf16' | 'int8';

/** Vectors in flight in a read or a write: eight cache lines with 16 lanes. */
const UNROLL = 8;

/** How a tile's memory is read: in so many linear streams side by side, each so far ahead of its loads. */
export interface ReadPattern {
  /** 1, 2, 4 or 8. */
  readonly streams: number;
  /** 0: left to the processor. */
  readonly prefetchBytes: number;
  /** Default: to where data is read a single time. */
  readonly into?: PrefetchHint;
}

/** A pattern, and how much memory a tile reads: a multiple of what all streams read at a time. */
interface ReadSpec extends ReadPattern {
  readonly bytesPerTile: number;
}

/**
 * Patterns of which the fastest is the ceiling: which one that is depends on the processor's own prefetchers, on the
 * number of threads and on the pages.
 */
export const READ_PATTERNS: readonly ReadPattern[] = [
  { streams: 1, prefetchBytes: 0 },
  { streams: 1, prefetchBytes: 1024 },
  { streams: 1, prefetchBytes: 4096 },
  { streams: 1, prefetchBytes: 16384 },
  { streams: 1, prefetchBytes: 4096, into: 'second' },
  { streams: 2, prefetchBytes: 4096 },
  { streams: 4, prefetchBytes: 0 },
  { streams: 4, prefetchBytes: 2048 },
  { streams: 4, prefetchBytes: 2048, into: 'second' },
  { streams: 4, prefetchBytes: 1024, into: 'near' },
  { streams: 8, prefetchBytes: 0 },
  { streams: 8, prefetchBytes: 512, into: 'near' },
];

/** Multiplications and additions of one repetition of a tile. */
export function ceilingWork(kind: CeilingKind, capabilities: Capabilities): number {
  if (usesTiles(kind, capabilities)) return TILE_PRODUCTS.length * 2 * 16 * 16 * 32;
  const perLane = { fma: 2, dotPairs: 4, matrixPairs: 8, dotBytes: 8, dotSmallBytes: 8, dotWords: 4 }[
    productOf(kind, capabilities)
  ];
  return accumulators(capabilities) * capabilities.lanes * perLane;
}

/** What multiplies a type of operands; of integers what products with packed weights take (`formats/affineBlocks.ts`). */
function productOf(
  kind: CeilingKind,
  { pairMatrix, byteDot, smallByteDot }: Capabilities,
): 'fma' | 'dotPairs' | 'matrixPairs' | 'dotBytes' | 'dotSmallBytes' | 'dotWords' {
  if (kind === 'f32') return 'fma';
  if (kind === 'bf16') return pairMatrix ? 'matrixPairs' : 'dotPairs';
  if (byteDot) return 'dotBytes';
  return smallByteDot ? 'dotSmallBytes' : 'dotWords';
}

function usesTiles(kind: CeilingKind, { tiles }: Capabilities): boolean {
  return kind === 'bf16' && tiles;
}

/** Four sums of two tiles of either side, as a matrix product has them. */
const TILE_PRODUCTS: readonly (readonly [d: TileNumber, a: TileNumber, b: TileNumber])[] = [
  [0, 4, 6],
  [1, 4, 7],
  [2, 5, 6],
  [3, 5, 7],
];

/** Enough independent chains to hide the latency of the units, with two registers for the operands. */
function accumulators(capabilities: Capabilities): number {
  return Math.min(24, capabilities.vecRegisters - 4);
}

export function ceiling(kind: CeilingKind): Kernel<typeof CEILING_ARGUMENTS> {
  return defineKernel({
    name: `ceiling.${kind}`,
    args: CEILING_ARGUMENTS,
    tiles: ({ tiles }) => tiles,
    emit: (k, params) =>
      usesTiles(kind, k.capabilities) ? emitTileProducts(k, params) : emitArithmetic(k, kind, params),
  });
}

/** Reads the tile's memory once a repetition, `streams` parts of it side by side. */
export function readCeiling(spec: ReadSpec): Kernel<typeof READ_ARGUMENTS> {
  const { streams, prefetchBytes, into = 'once', bytesPerTile } = spec;
  return defineKernel({
    name: `ceiling.read.${streams}x${prefetchBytes}${into}.t${bytesPerTile}`,
    args: READ_ARGUMENTS,
    tiles: ({ tiles }) => tiles,
    emit: (k, params) => emitRead(k, spec, params),
  });
}

function emitRead(
  k: KernelBuilder,
  { streams, prefetchBytes, into = 'once', bytesPerTile }: ReadSpec,
  { args, tile, scratch }: KernelParams<typeof READ_ARGUMENTS>,
): void {
  const repetitions = args.repetitions();
  const memory = args.memory();
  k.advance(memory, k.intOp('mul', tile, bytesPerTile));
  const partBytes = bytesPerTile / streams;
  const vectors = Math.max(1, UNROLL / streams);
  const stepBytes = vectors * 4 * k.lanes;
  const sums = k.vecs(streams * vectors);
  for (const sum of sums) k.vecConst(1, sum);
  k.loop(repetitions, () => {
    const at = k.intMove(k.int(), memory);
    k.loop(partBytes / stepBytes, () => {
      sums.forEach((sum, i) => {
        const inStep = 4 * k.lanes * (i % vectors);
        const offset = Math.floor(i / vectors) * partBytes + inStep;
        if (prefetchBytes > 0 && inStep % 64 === 0) k.prefetch(k.at(at, prefetchBytes + offset), into);
        k.vecOp('or', sum, k.at(at, offset), sum);
      });
      k.advance(at, stepBytes);
    });
  });
  keep(k, sums, scratch);
}

/** Writes the tile's memory from end to end. */
export function writeCeiling(bytesPerTile: number): Kernel<typeof WRITE_ARGUMENTS> {
  return defineKernel({
    name: `ceiling.write.t${bytesPerTile}`,
    args: WRITE_ARGUMENTS,
    tiles: ({ tiles }) => tiles,
    emit: (k, params) => emitWrite(k, bytesPerTile, params),
  });
}

function emitWrite(
  k: KernelBuilder,
  bytesPerTile: number,
  { args, tile }: KernelParams<typeof WRITE_ARGUMENTS>,
): void {
  const repetitions = args.repetitions();
  const memory = args.memory();
  k.advance(memory, k.intOp('mul', tile, bytesPerTile));
  const steps = bytesPerTile / (UNROLL * 4 * k.lanes);
  const values = k.vecs(UNROLL);
  for (const value of values) k.vecConst(1, value);
  k.loop(repetitions, () => {
    const at = k.int();
    k.intMove(at, memory);
    k.loop(steps, () => {
      values.forEach((value, i) => {
        k.store(k.at(at, 4 * k.lanes * i), value);
      });
      k.advance(at, UNROLL * 4 * k.lanes);
    });
  });
}

function emitArithmetic(
  k: KernelBuilder,
  kind: CeilingKind,
  { args, scratch }: KernelParams<typeof CEILING_ARGUMENTS>,
): void {
  const repetitions = args.repetitions();
  const sums = k.vecs(accumulators(k.capabilities));
  for (const sum of sums) k.vecConst(0, sum);
  const operand = k.vecBits(0x01010101); // small and normal in every type
  const product = productOf(kind, k.capabilities);
  k.loop(repetitions, () => {
    for (const sum of sums) k[product](sum, operand, operand);
  });
  keep(k, sums, scratch);
}

function emitTileProducts(k: KernelBuilder, { args, scratch }: KernelParams<typeof CEILING_ARGUMENTS>): void {
  const repetitions = args.repetitions();
  const rowBytes = k.intConst(64);
  const operand = k.vecBits(0x3f803f80); // pairs of 1
  for (let row = 0; row < 16; row++) k.store(k.at(scratch, row * 64), operand);
  k.withTiles(() => {
    for (const tile of [4, 5, 6, 7] as const) k.tileLoad(tile, k.at(scratch), rowBytes);
    k.loop(repetitions, () => {
      for (const [d, a, b] of TILE_PRODUCTS) k.tileDotPairs(d, a, b);
    });
    for (const [sums] of TILE_PRODUCTS) k.tileStore(k.at(scratch, sums * 1024), sums, rowBytes);
  });
}

/** Results that are stored cannot be said to be unused. */
function keep(k: KernelBuilder, values: readonly VecReg[], scratch: IntReg): void {
  values.forEach((value, i) => {
    k.store(k.at(scratch, 64 * i), value);
  });
}
