import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, Capabilities, IntReg, VecReg } from '../../jit/ir.js';
import { defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { emitBlockColumns, isBlockProduct, productStrideBytes } from './blockColumns.js';
import { evenRows } from './blockPass.js';
import { type EpilogueSpec, emitEpilogue, epilogueName, PRODUCT_ARGUMENTS } from './epilogue.js';
import { type AffineBlocks, operandName, type QuantizedRows } from './formats/affineBlocks.js';
import { choosePolicy } from './formats/choosePolicy.js';
import { dotTile, type OperandDtype, type ProductPolicy } from './productPolicy.js';

/** A product of few rows, specialised on everything but the pointers. */
export interface MatvecSpec {
  /** Quantised rows for blocks, and only for these. */
  readonly aDtype: OperandDtype | QuantizedRows;
  readonly bDtype: OperandDtype | AffineBlocks;
  /** Rows of A, at most maxStreamRows. */
  readonly rows: number;
  readonly n: number;
  readonly depth: number;
  readonly aStrideBytes: number;
  /** Distance between rows of B, or between blocks. */
  readonly bStrideBytes: number;
  /** A multiple of 16; n is a multiple of it, or at least as large (the last tile overlaps the one before). */
  readonly columnsPerTile: number;
  /** Tiles from one of a thread to its next, so that its weights are fetched in time; absent: 1. Of blocks only. */
  readonly tilesAhead?: number;
}

/**
 * y[r, n] = epilogue(A[r, :] · B[n, :]) for the few rows of a decode step: a tile is `columnsPerTile` rows of B,
 * streamed from memory once. The error bound is that of `matmul`.
 */
export function matvec(
  spec: MatvecSpec & { readonly epilogue: EpilogueSpec },
): Kernel<typeof PRODUCT_ARGUMENTS> {
  return defineKernel({
    name: `matvec.${matvecName(spec)}.${epilogueName(spec.epilogue)}`,
    args: PRODUCT_ARGUMENTS,
    tiles: () => Math.ceil(spec.n / spec.columnsPerTile),
    emit: (k, params) => emit(k, spec, params),
  });
}

export function matvecName(s: MatvecSpec): string {
  const next = s.tilesAhead === undefined ? '' : `+${s.tilesAhead}`;
  const shape = `r${s.rows}n${s.n}k${s.depth}t${s.columnsPerTile}${next}`;
  return `${operandName(s.aDtype)}.${operandName(s.bDtype)}.${shape}.s${s.aStrideBytes}.${s.bStrideBytes}`;
}

function emit(
  k: KernelBuilder,
  spec: MatvecSpec & { epilogue: EpilogueSpec },
  { args, tile, scratch }: KernelParams<typeof PRODUCT_ARGUMENTS>,
): void {
  const column = firstColumn(k, spec, tile);
  const { epilogue } = spec;
  const weights = epilogue.activation === 'swiglu' ? [args.weight, args.weight2] : [args.weight];
  let cOffset: IntReg | null = null;
  weights.forEach((weight, product) => {
    const cOffsetBytes = product * spec.rows * productStrideBytes(spec);
    const place = { weight, nextWeight: weights[product + 1], firstWeight: weights[0] };
    cOffset = emitColumns(k, spec, { x: args.x, ...place, column, c: scratch, cOffsetBytes });
  });
  emitEpilogue(k, epilogue, {
    args,
    scratch,
    row: k.intConst(0),
    rows: k.intConst(spec.rows),
    column,
    columns: spec.columnsPerTile,
    cStrideBytes: productStrideBytes(spec),
    cOffset,
    blockRows: spec.rows,
    places: null,
  });
}

/** First column of a tile; the last tile moves back so that it is whole. */
export function firstColumn(k: KernelBuilder, spec: MatvecSpec, tile: IntReg): IntReg {
  const column = k.intOp('mul', tile, spec.columnsPerTile);
  return k.intOp('min', column, spec.n - spec.columnsPerTile, column);
}

/** Where a tile's product comes from and goes to. */
interface ColumnOperands {
  readonly x: () => IntReg;
  readonly weight: () => IntReg;
  /** Whose columns are multiplied next; absent: `firstWeight`'s of a later tile. */
  readonly nextWeight?: (() => IntReg) | undefined;
  /** What every tile begins with; absent: `weight`. */
  readonly firstWeight?: (() => IntReg) | undefined;
  readonly column: IntReg;
  readonly c: IntReg;
  readonly cOffsetBytes: number;
}

/**
 * C [rows, columnsPerTile] f32 = A · B[column …]ᵀ, at c + cOffsetBytes, rows productStrideBytes apart.
 *
 * @returns bytes before the first column in a row of C; null: none
 */
export function emitColumns(k: KernelBuilder, spec: MatvecSpec, operands: ColumnOperands): IntReg | null {
  if (isBlockProduct(spec)) {
    const { x, weight, nextWeight, column, c, cOffsetBytes } = operands;
    const columns = nextWeight === undefined ? (spec.tilesAhead ?? 1) * spec.columnsPerTile : 0;
    const columnsOn = (): IntReg => k.intConst(columns);
    const next = { weight: nextWeight ?? operands.firstWeight ?? weight, columnsOn, fetched: null };
    const a = evenRows(k, x(), spec.aStrideBytes);
    const place = { a, weight, column, c: k.intOp('add', c, cOffsetBytes), scratch: c, next };
    return emitBlockColumns(k, { ...spec, segments: { count: 1, strideBytes: 0 }, isStream: true }, place);
  }
  const policy = choosePolicy(k.capabilities, spec.aDtype as OperandDtype, spec.bDtype as OperandDtype);
  const a = operands.x();
  const b = k.intOp('mul', operands.column, spec.bStrideBytes);
  k.advance(b, operands.weight());
  const c = k.intOp('add', operands.c, operands.cOffsetBytes);
  const { aStrideBytes, bStrideBytes, depth, columnsPerTile } = spec;
  const groups = rowGroups(spec.rows, k.capabilities.vecRegisters);
  const streams = streamsOf(spec, k.capabilities);
  if (streams > 1 && groups.length === 1) {
    emitStreams(k, policy, spec, streams, { a, b, c });
    return null;
  }
  k.loop(columnsPerTile / 4, () => {
    groups.forEach((group, i) => {
      if (i > 0) k.advance(b, -4 * bStrideBytes);
      const stream = { a, aStrideBytes, b, bStrideBytes, depth, fromMemory: i === 0, ...group };
      const sums = isSideBySide(k.capabilities, group.rows)
        ? streamTile(k, policy, stream)
        : streamDot(k, policy, stream);
      sums.forEach((sum, r) => {
        k.storeLow(k.at(c, (group.firstRow + r) * columnsPerTile * 4), sum, 4);
      });
    });
    k.advance(c, 16);
  });
  return null;
}

const CACHE_LINE_BYTES = 64;

/** Linear streams in which a tile's weights are read: as many as tuning wants, or fewer where the registers hold less sums. */
function streamsOf({ rows, columnsPerTile }: MatvecSpec, { vecRegisters, tuning }: Capabilities): number {
  const fits = (streams: number): boolean => streams * rows + 2 <= vecRegisters;
  let streams = tuning.streams;
  while (streams > 1 && !(fits(streams) && columnsPerTile % streams === 0)) streams /= 2;
  return streams;
}

/**
 * C of a tile whose columns are read in so many parts, side by side: for rows of A that the registers hold at once. `b` and
 * `c` point to the tile's first column.
 */
function emitStreams(
  k: KernelBuilder,
  policy: ProductPolicy,
  { rows, depth, aStrideBytes, bStrideBytes, columnsPerTile }: MatvecSpec,
  streams: number,
  { a, b, c }: { readonly a: IntReg; readonly b: IntReg; readonly c: IntReg },
): void {
  const columns = columnsPerTile / streams;
  const steps = depth / policy.stepElements;
  const [aStep, bStep] = [policy.stepElements * policy.aBytes, policy.bStepBytes];
  const unroll = unrollOfStreams(streams, steps, rows, k.capabilities);
  k.loop(columns, () => {
    const sums = Array.from({ length: streams }, () =>
      Array.from({ length: rows }, () => policy.initAccumulators(k, unroll)),
    );
    const offset = k.intConst(0);
    k.while('lt', offset, depth * policy.aBytes, () => {
      sums.forEach((ofStream, stream) => {
        for (let u = 0; u < unroll; u++) {
          const from = stream * columns * bStrideBytes + u * bStep;
          const w = policy.loadB(k, k.at(b, from));
          if ((u * bStep) % CACHE_LINE_BYTES === 0) k.prefetchStream(b, from, streams);
          ofStream.forEach((row, r) => {
            policy.product(k, row[u]!, k.at(a, r * aStrideBytes + u * aStep, offset), w);
          });
        }
      });
      k.advance(b, unroll * bStep);
      k.advance(offset, unroll * aStep);
    });
    k.advance(b, bStrideBytes - steps * bStep);
    sums.forEach((ofStream, stream) => {
      ofStream.forEach((row, r) => {
        const sum = row.reduce((total, next) => k.add(total, next, total));
        const to = k.at(c, 4 * (r * columnsPerTile + stream * columns));
        k.storeLow(to, k.reduce('add', sum, sum), 1);
      });
    });
    k.advance(c, 4);
  });
}

/** Accumulators of one sum: as many as divide the steps and fit beside a step of weights. */
function unrollOfStreams(
  streams: number,
  steps: number,
  rows: number,
  { vecRegisters, tuning }: Capabilities,
): number {
  const fits = (unroll: number): boolean => streams * rows * unroll + 2 <= vecRegisters;
  return [4, 2].find((unroll) => unroll <= tuning.unroll && steps % unroll === 0 && fits(unroll)) ?? 1;
}

/** Few rows of A against many rows of B that lie one after another in memory. */
interface StreamOperands {
  /** First row of A. */
  readonly a: IntReg;
  readonly aStrideBytes: number;
  /** Rows of A; all are held against each row of B while it passes through the registers once. */
  readonly firstRow: number;
  readonly rows: number;
  /** First row of B; moved to the row after the last. */
  readonly b: IntReg;
  readonly bStrideBytes: number;
  readonly depth: number;
  /** The rows of B come from memory, not from a cache. */
  readonly fromMemory: boolean;
}

/** Rows that the registers hold: sums of 4 columns and accumulators for each, and one of B. */
function rowsInRegisters(vecRegisters: number): number {
  return Math.floor((vecRegisters - 1) / 5);
}

/** Rows of A that a stream serves: after the first group, the four rows of B are in the first-level cache. */
export function maxStreamRows({ vecRegisters, tuning }: Capabilities): number {
  return tuning.streamGroups * rowsInRegisters(vecRegisters);
}

/** Rows of A in groups that the registers hold, as equal as can be. */
export function rowGroups(rows: number, vecRegisters: number): { firstRow: number; rows: number }[] {
  const count = Math.ceil(rows / rowsInRegisters(vecRegisters));
  const firstRows = Array.from({ length: count + 1 }, (_, group) => Math.ceil((group * rows) / count));
  return firstRows.slice(1).map((end, i) => ({ firstRow: firstRows[i]!, rows: end - firstRows[i]! }));
}

/**
 * sums[r] = [Σ_k A[r,k]·B[n,k] for n of 4] in the low four lanes, for policies with lanes along K. The rows of B are read one at a time, so that a
 * thread's reading is a single linear stream: what matters where the weights come from memory once.
 */
function streamDot(k: KernelBuilder, policy: ProductPolicy, operands: StreamOperands): VecReg[] {
  const { rows, b, bStrideBytes, depth, fromMemory } = operands;
  const unroll = chooseUnroll(depth / policy.stepElements, rows, k.capabilities);
  const loadPair = unroll % 2 === 0 ? policy.loadPair : undefined;
  const stepsAtOnce = loadPair === undefined ? 1 : 2;
  const aStep = policy.stepElements * policy.aBytes;
  const bStep = policy.bStepBytes;
  const columns = [0, 1, 2, 3].map(() => {
    const accumulators = Array.from({ length: rows }, () => policy.initAccumulators(k, unroll));
    const offset = k.intConst(0);
    k.while('lt', offset, depth * policy.aBytes, () => {
      const left = rowSources(k, policy, operands, unroll, offset);
      for (let first = 0; first < unroll; first += stepsAtOnce) {
        const at = k.at(b, first * bStep);
        const steps = loadPair?.(k, at) ?? [policy.loadB(k, at)];
        if (fromMemory && (first * bStep) % CACHE_LINE_BYTES === 0) k.prefetchStream(b, first * bStep);
        steps.forEach((w, i) => {
          accumulators.forEach((row, r) => {
            policy.product(k, row[first + i]!, left(r, first + i), w);
          });
        });
      }
      k.advance(offset, unroll * aStep);
      k.advance(b, unroll * bStep);
    });
    const gap = bStrideBytes - (depth / policy.stepElements) * bStep;
    if (gap !== 0) k.advance(b, gap);
    return accumulators.map((row) => row.reduce((sum, next) => k.add(sum, next, sum)));
  });
  const [c0, c1, c2, c3] = columns as [VecReg[], VecReg[], VecReg[], VecReg[]];
  return c0.map((sum, r) => policy.finish(k, [sum, c1[r]!, c2[r]!, c3[r]!])[0]!);
}

/** The steps of the rows of A in a turn of the loop: in memory, or in registers where these are enough and tuning wants it. */
function rowSources(
  k: KernelBuilder,
  policy: ProductPolicy,
  { a, aStrideBytes, firstRow, rows }: StreamOperands,
  unroll: number,
  offset: IntReg,
): (row: number, step: number) => VecReg | Address {
  const { vecRegisters, tuning } = k.capabilities;
  const aStep = policy.stepElements * policy.aBytes;
  const place = (row: number, step: number): number => (firstRow + row) * aStrideBytes + step * aStep;
  // Beside the sums of four columns, accumulators, and as many of B.
  const taken = rows * (4 + 2 * unroll) + unroll;
  if (tuning.loadsAhead === 0 || taken > vecRegisters)
    return (row, step) => k.at(a, place(row, step), offset);
  const from = k.intOp('add', a, offset);
  const loaded = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: unroll }, (_, step) => policy.loadA(k, k.at(from, place(row, step)))),
  );
  return (row, step) => loaded[row]![step]!;
}

/** Whether four columns pass the rows side by side: the loads are fewer, and sums enough to hide the latency of products. */
function isSideBySide({ tuning }: Capabilities, rows: number): boolean {
  return tuning.sideBySideRows > 0 && rows >= tuning.sideBySideRows;
}

/** What `streamDot` computes, of four rows of B at a time, which lie one after another: those after them are fetched. */
function streamTile(k: KernelBuilder, policy: ProductPolicy, operands: StreamOperands): VecReg[] {
  const { a, aStrideBytes, firstRow, rows, b, bStrideBytes, depth, fromMemory } = operands;
  const { tileColumns } = policy;
  const pointers = Array.from({ length: rows }, (_, r) => k.intOp('add', a, (firstRow + r) * aStrideBytes));
  const ahead = fromMemory ? k.intOp('add', b, tileColumns * bStrideBytes) : null;
  const tile = { a: pointers, b, bStrideBytes, depth, aOffsetBytes: 0, ahead };
  const sums = dotTile(k, policy, tile).map(([sum]) => sum!);
  k.advance(b, tileColumns * bStrideBytes);
  return sums;
}

/** Independent accumulators hide the latency of the products; as many as divide the steps and fit. */
function chooseUnroll(steps: number, rows: number, capabilities: Capabilities): number {
  const { vecRegisters, registersAreVirtual, tuning } = capabilities;
  // An engine keeps the sums of other columns in memory meanwhile, but loads all operands of a step first.
  const fits = (unroll: number) =>
    registersAreVirtual
      ? unroll * (2 * rows + 1) < vecRegisters
      : unroll * rows <= vecRegisters - 1 - 4 * rows;
  return [8, 4, 2].find((unroll) => unroll <= tuning.unroll && steps % unroll === 0 && fits(unroll)) ?? 1;
}
