import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, IntReg, KernelCode, VecReg } from '../jit/ir.js';
import { type KernelParams, type KernelSpec, kernelParams, loadSlot } from './kernel.js';

/*
 * Kernels that do nothing but reach a limit of the machine, for the roofline: each tile is a fixed amount of work.
 */

/** Slots of all ceiling kernels: memory of `bytesPerTile` a tile (or 0), and repetitions. */
export const CEILING_SLOTS = { memory: 0, bytesPerTile: 1, repetitions: 2 } as const;

export type CeilingKind = 'read' | 'write' | 'f32' | 'bf16' | 'int8';

/** Vectors in flight in a read: eight cache lines. */
const READ_UNROLL = 8;
const PREFETCH_BYTES = 4096;

/** Multiplications and additions (or bytes, for `read` and `write`) of one repetition of a tile. */
export function ceilingWork(kind: CeilingKind, capabilities: Capabilities, bytesPerTile: number): number {
  if (kind === 'read' || kind === 'write') return bytesPerTile;
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
  if (kind === 'read' || kind === 'write') emitPassage(k, kind, params, repetitions);
  else emitArithmetic(k, kind, params, repetitions);
  return k.finish();
}

/** Reads or writes the tile's memory from end to end. */
function emitPassage(
  k: KernelBuilder,
  kind: 'read' | 'write',
  params: KernelParams,
  repetitions: IntReg,
): void {
  const bytesPerTile = loadSlot(k, params, CEILING_SLOTS.bytesPerTile);
  const memory = loadSlot(k, params, CEILING_SLOTS.memory);
  k.advance(memory, k.intOp('mul', params.tile, bytesPerTile));
  const steps = k.intOp('divide', bytesPerTile, READ_UNROLL * 4 * k.lanes);
  const sums = k.vecs(READ_UNROLL);
  for (const sum of sums) k.vecConst(1, sum);
  k.loop(repetitions, () => {
    const at = k.int();
    k.intMove(at, memory);
    k.loop(steps, () => {
      sums.forEach((sum, i) => {
        const here = k.at(at, 4 * k.lanes * i);
        if (kind === 'read') {
          k.prefetch(k.at(at, PREFETCH_BYTES + 4 * k.lanes * i), 'once');
          k.vecOp('or', sum, here, sum);
        } else {
          k.store(here, sum);
        }
      });
      k.advance(at, READ_UNROLL * 4 * k.lanes);
    });
  });
  keep(k, sums, params.scratch);
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
