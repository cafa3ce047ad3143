import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode, VecReg } from '../jit/ir.js';
import { type KernelParams, type KernelSpec, kernelParams, loadSlot } from './kernel.js';

/*
 * Kernels that do nothing but reach a limit of the machine, for the roofline: each tile is a fixed amount of work.
 */

/** Slots of all ceiling kernels: memory of `bytesPerTile` a tile (or 0), and repetitions. */
export const CEILING_SLOTS = { memory: 0, bytesPerTile: 1, repetitions: 2 } as const;

export type CeilingKind = 'write' | 'f32' | 'bf16' | 'int8';

/** Vectors in flight in a read or a write: eight cache lines with 16 lanes. */
const UNROLL = 8;

/** How a tile's memory is read: in so many linear streams side by side, each so far ahead of its loads. */
export interface ReadPattern {
  /** 1, 2 or 4. */
  readonly streams: number;
  /** 0: left to the processor. */
  readonly prefetchBytes: number;
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
  { streams: 2, prefetchBytes: 4096 },
  { streams: 4, prefetchBytes: 0 },
  { streams: 4, prefetchBytes: 2048 },
];

/** Multiplications and additions (or bytes, for `write`) of one repetition of a tile. */
export function ceilingWork(kind: CeilingKind, capabilities: Capabilities, bytesPerTile: number): number {
  if (kind === 'write') return bytesPerTile;
  const perLane = { f32: 2, bf16: 4, int8: 8 }[kind];
  return accumulators(capabilities) * capabilities.lanes * perLane;
}

/** Enough independent chains to hide the latency of the units, with two registers for the operands. */
function accumulators(capabilities: Capabilities): number {
  return Math.min(24, capabilities.vecRegisters - 4);
}

export function ceiling(kind: CeilingKind): KernelSpec<keyof typeof CEILING_SLOTS> {
  return { name: `ceiling.${kind}`, slots: CEILING_SLOTS, emit: (capabilities) => emit(kind, capabilities) };
}

function emit(kind: CeilingKind, capabilities: Capabilities): KernelCode {
  const k = new KernelBuilder(`ceiling.${kind}`, capabilities);
  const params = kernelParams(k);
  const repetitions = loadSlot(k, params, CEILING_SLOTS.repetitions);
  if (kind === 'write') emitWrite(k, params, repetitions);
  else emitArithmetic(k, kind, params, repetitions);
  return k.finish();
}

/** Reads the tile's memory once a repetition, `streams` parts of it side by side. */
export function readCeiling(pattern: ReadPattern): KernelSpec<keyof typeof CEILING_SLOTS> {
  const name = `ceiling.read.${pattern.streams}x${pattern.prefetchBytes}`;
  return {
    name,
    slots: CEILING_SLOTS,
    emit: (capabilities) => {
      const k = new KernelBuilder(name, capabilities);
      const params = kernelParams(k);
      emitRead(k, pattern, params, loadSlot(k, params, CEILING_SLOTS.repetitions));
      return k.finish();
    },
  };
}

function emitRead(
  k: KernelBuilder,
  { streams, prefetchBytes }: ReadPattern,
  params: KernelParams,
  repetitions: IntReg,
): void {
  const bytesPerTile = loadSlot(k, params, CEILING_SLOTS.bytesPerTile);
  const memory = loadSlot(k, params, CEILING_SLOTS.memory);
  k.advance(memory, k.intOp('mul', params.tile, bytesPerTile));
  const partBytes = k.intOp('divide', bytesPerTile, streams);
  const vectors = Math.max(1, UNROLL / streams);
  const stepBytes = vectors * 4 * k.lanes;
  const steps = k.intOp('divide', partBytes, stepBytes);
  const sums = k.vecs(streams * vectors);
  for (const sum of sums) k.vecConst(1, sum);
  k.loop(repetitions, () => {
    const starts = Array.from({ length: streams }, () => k.int());
    starts.forEach((start, stream) => {
      if (stream === 0) k.intMove(start, memory);
      else {
        k.intMove(start, starts[stream - 1]!);
        k.advance(start, partBytes);
      }
    });
    k.loop(steps, () => {
      starts.forEach((start, stream) => {
        for (let vector = 0; vector < vectors; vector++) {
          const offset = 4 * k.lanes * vector;
          const sum = sums[stream * vectors + vector]!;
          if (prefetchBytes > 0 && offset % 64 === 0) k.prefetch(k.at(start, prefetchBytes + offset), 'once');
          k.vecOp('or', sum, k.at(start, offset), sum);
        }
        k.advance(start, stepBytes);
      });
    });
  });
  keep(k, sums, params.scratch);
}

/** Writes the tile's memory from end to end. */
function emitWrite(k: KernelBuilder, params: KernelParams, repetitions: IntReg): void {
  const bytesPerTile = loadSlot(k, params, CEILING_SLOTS.bytesPerTile);
  const memory = loadSlot(k, params, CEILING_SLOTS.memory);
  k.advance(memory, k.intOp('mul', params.tile, bytesPerTile));
  const steps = k.intOp('divide', bytesPerTile, UNROLL * 4 * k.lanes);
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
  kind: 'f32' | 'bf16' | 'int8',
  params: KernelParams,
  repetitions: IntReg,
): void {
  const sums = k.vecs(accumulators(k.capabilities));
  for (const sum of sums) k.vecConst(0, sum);
  const operand = k.vecBits(0x01010101); // small and normal in every type
  k.loop(repetitions, () => {
    for (const sum of sums) {
      if (kind === 'f32') k.fma(sum, operand, operand);
      else if (kind === 'bf16') k.dotPairs(sum, operand, operand);
      else k.dotBytes(sum, operand, operand);
    }
  });
  keep(k, sums, params.scratch);
}

/** Results that are stored cannot be said to be unused. */
function keep(k: KernelBuilder, values: readonly VecReg[], scratch: IntReg): void {
  values.forEach((value, i) => {
    k.store(k.at(scratch, 64 * i), value);
  });
}
