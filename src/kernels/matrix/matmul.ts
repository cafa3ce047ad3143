import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, Tuning } from '../../jit/ir.js';
import {
  type ArgumentUses,
  boundIndex,
  defineKernel,
  type Kernel,
  type KernelParams,
  ScratchVariable,
} from '../kernel.js';
import { blockTileRows, emitBlockColumns, isBlockProduct, productStrideBytes } from './blockProduct.js';
import { type EpilogueSpec, emitEpilogue, epilogueName, PRODUCT_ARGUMENTS } from './epilogue.js';
import { AffineBlocks, BLOCK_COLUMNS, operandName, QuantizedRows } from './formats/affineBlocks.js';
import { choosePolicy } from './formats/choosePolicy.js';
import { dotTile, OPERAND_BYTES, type OperandDtype, type ProductPolicy } from './productPolicy.js';

/** What a matrix product is specialised on; the number of rows M and all pointers come at run time. */
export interface MatmulSpec {
  /** Quantised rows for blocks, and only for these: one segment, rows one after another, at least `blockTileRows` of them. */
  readonly aDtype: OperandDtype | QuantizedRows;
  readonly bDtype: OperandDtype | AffineBlocks;
  /** Rows of B, columns of the result; a multiple of columnsPerTile, or at least columnsPerTile (the last overlaps). */
  readonly n: number;
  /** Elements of a row of A and B that are multiplied: segments · segmentDepth. */
  readonly segments: number;
  readonly segmentDepth: number;
  /** Distance between the segments of one row of A; in B they follow one another. */
  readonly aSegmentStrideBytes: number;
  /** Distance between rows of A; ignored when `indirect`. */
  readonly aStrideBytes: number;
  /** Distance between rows of B, or between blocks. */
  readonly bStrideBytes: number;
  /**
   * Rows of A (and of y) lie where a table of byte offsets says: [M] pairs of i32 (offset in A, offset in y). Offsets at
   * which a row would not be inside of x or y count as the nearest.
   */
  readonly indirect: boolean;
  /** A multiple of 16. */
  readonly columnsPerTile: number;
  readonly epilogue: EpilogueSpec;
}

const MATMUL_SLOTS = {
  ...PRODUCT_ARGUMENTS,
  /** Where rows of x and of y lie when the product is indirect. */
  table: 'reads?',
  /** Rows of x. */
  m: 'number',
  /** Tiles down M. */
  mTiles: 'number',
  /** Rows of one of them. */
  rowsPerTile: 'number',
  /** Largest offset that the table may hold for x, and for y. */
  lastX: 'number',
  lastY: 'number',
} as const satisfies ArgumentUses;

/** What a call gives; the other slots follow. */
type MatmulArguments = Omit<typeof MATMUL_SLOTS, 'mTiles' | 'lastX' | 'lastY'>;

type Params = KernelParams<typeof MATMUL_SLOTS>;

/**
 * y[M,N] = epilogue(A[M,K] · B[N,K]ᵀ): a tile is rowsPerTile × columnsPerTile of y, tiles run down M first so that a
 * thread meets the same rows of B again while they are in its cache. Inside a tile, strips of `tileRows` rows of A are
 * multiplied with all columns, four at a time, into a scratch block C [tileRows, columnsPerTile] f32 (two of them for
 * SwiGLU); long rows are cut into segments so that the strip of A stays in the first-level cache.
 *
 * Error: at most (K+8)·2⁻²⁴·Σ|a·b| a dot product, then the epilogue's own.
 */
export function matmul(spec: MatmulSpec): Kernel<MatmulArguments> {
  const kernel = defineKernel({
    name: matmulName(spec),
    args: MATMUL_SLOTS,
    tiles: ({ mTiles, weight }) => {
      // Of a weight that is given in part, only the columns of that part are computed.
      const rowsAtOnce = spec.bDtype instanceof AffineBlocks ? BLOCK_COLUMNS : 1;
      const columns = Math.min(spec.n, (rowsAtOnce * weight.byteLength) / spec.bStrideBytes);
      return mTiles * Math.ceil(columns / spec.columnsPerTile);
    },
    emit: (k, params) => emit(k, spec, params),
  });
  return {
    ...kernel,
    call: (values) =>
      kernel.call({
        ...values,
        mTiles: Math.ceil(values.m / values.rowsPerTile),
        lastX: spec.indirect ? values.x.byteLength - windowBytes(spec) : 0,
        lastY: spec.indirect ? values.y.byteLength - spec.n * OPERAND_BYTES[spec.epilogue.yDtype] : 0,
      }),
  };
}

function matmulName(spec: MatmulSpec): string {
  const { aDtype, bDtype, n, segments, segmentDepth, columnsPerTile, indirect } = spec;
  const shape = `n${n}k${segments}x${segmentDepth}t${columnsPerTile}`;
  const strides = `s${spec.aStrideBytes}.${spec.aSegmentStrideBytes}.${spec.bStrideBytes}${indirect ? 'i' : ''}`;
  return `matmul.${operandName(aDtype)}.${operandName(bDtype)}.${shape}.${strides}.${epilogueName(spec.epilogue)}`;
}

/** From the first element of a row of A to the end of its last segment. */
function windowBytes({ aDtype, segments, segmentDepth, aSegmentStrideBytes }: MatmulSpec): number {
  if (aDtype instanceof QuantizedRows) return aDtype.rowBytes(segmentDepth);
  return (segments - 1) * aSegmentStrideBytes + segmentDepth * OPERAND_BYTES[aDtype];
}

function emit(k: KernelBuilder, spec: MatmulSpec, params: Params): void {
  const state = tileState(k, spec, params);
  const product = stripProduct(k, spec, params, state);
  const { tileRows } = product;
  const first = state.row.get();
  const strips = k.intOp('sub', state.end.get(), first, first);
  k.advance(strips, tileRows - 1);
  k.intOp('divide', strips, tileRows, strips);
  k.loop(strips, () => emitStripEpilogue(k, spec, params, product, state, product.emit()));
}

/** How a strip of rows is multiplied with all columns of the tile. */
interface StripProduct {
  readonly tileRows: number;
  /** Writes C. @returns bytes before the first of the tile's columns in it; null: none */
  emit(): IntReg | null;
}

function stripProduct(k: KernelBuilder, spec: MatmulSpec, params: Params, state: TileState): StripProduct {
  if (isBlockProduct(spec)) {
    const tileRows = blockTileRows(k.capabilities, spec.bDtype);
    return { tileRows, emit: () => emitBlockStrip(k, spec, params, tileRows, state) };
  }
  const policy = choosePolicy(k.capabilities, spec.aDtype as OperandDtype, spec.bDtype as OperandDtype);
  const emit = (): null => {
    emitStrip(k, spec, params, policy, state);
    return null;
  };
  return { tileRows: policy.tileRows, emit };
}

/** The strip of packed blocks; rows behind the last are there, and their results are not used. */
function emitBlockStrip(
  k: KernelBuilder,
  spec: MatmulSpec & { readonly aDtype: QuantizedRows; readonly bDtype: AffineBlocks },
  { args, scratch }: Params,
  rows: number,
  state: TileState,
): IntReg | null {
  const { weight, weight2 } = args;
  const weights = spec.epilogue.activation === 'swiglu' ? [weight, weight2] : [weight];
  let cOffset: IntReg | null = null;
  weights.forEach((load, product) => {
    const a = k.intOp('mul', state.row.get(), spec.aStrideBytes);
    k.advance(a, args.x());
    const c = k.intOp('add', scratch, product * rows * productStrideBytes(spec));
    const shape = { ...spec, depth: spec.segmentDepth, rows, isStream: false };
    cOffset = emitBlockColumns(k, shape, { a, weight: load, column: state.column.get(), c });
  });
  return cOffset;
}

/** The strip loop's variables live in scratch memory: the product loops need every integer register of x86-64. */
interface TileState {
  /** First row of the current strip. */
  readonly row: ScratchVariable;
  /** Row after the tile's last. */
  readonly end: ScratchVariable;
  /** First column of the tile. */
  readonly column: ScratchVariable;
}

function tileState(k: KernelBuilder, spec: MatmulSpec, { args, tile, scratch }: Params): TileState {
  const state = {
    row: new ScratchVariable(k, scratch, 0),
    end: new ScratchVariable(k, scratch, 1),
    column: new ScratchVariable(k, scratch, 2),
  };
  const mTiles = args.mTiles();
  const column = k.intOp('divide', tile, mTiles);
  k.intOp('mul', column, spec.columnsPerTile, column);
  k.intOp('min', column, spec.n - spec.columnsPerTile, column);
  state.column.set(column);
  const row = k.intOp('remainder', tile, mTiles);
  const rowsPerTile = args.rowsPerTile();
  k.intOp('mul', row, rowsPerTile, row);
  state.row.set(row);
  const end = k.intOp('add', row, rowsPerTile);
  state.end.set(k.intOp('min', end, args.m(), end));
  return state;
}

/** C = A[strip] · B[columns]ᵀ for every column of the tile, and both weights of SwiGLU. */
function emitStrip(
  k: KernelBuilder,
  spec: MatmulSpec,
  params: Params,
  policy: ProductPolicy,
  state: TileState,
): void {
  const rows = rowPointers(k, spec, params.args, policy, state);
  const { weight, weight2 } = params.args;
  const weights = spec.epilogue.activation === 'swiglu' ? [weight, weight2] : [weight];
  weights.forEach((load, product) => {
    for (const segment of cutSegments(spec, policy, k.capabilities.tuning)) {
      const b = k.intOp('mul', state.column.get(), spec.bStrideBytes);
      k.advance(b, load());
      k.advance(b, segment.bOffsetBytes);
      const c = k.intOp('add', params.scratch, product * policy.tileRows * spec.columnsPerTile * 4);
      emitColumns(k, spec, policy, rows, b, c, segment);
    }
  });
}

/** Elements of a row that follow one another in A and in B. */
interface RowSegment {
  readonly depth: number;
  readonly aOffsetBytes: number;
  readonly bOffsetBytes: number;
}

/** The segments of a row, cut into pieces of whole steps that the target's tuning asks for. */
function cutSegments(
  { segments, segmentDepth, aSegmentStrideBytes }: MatmulSpec,
  { aBytes, bStepBytes, stepElements }: ProductPolicy,
  { kSegmentBytes }: Tuning,
): RowSegment[] {
  const steps =
    kSegmentBytes === 0 ? Infinity : Math.max(1, Math.floor(kSegmentBytes / aBytes / stepElements));
  const most = Math.min(segmentDepth, steps * stepElements);
  return Array.from({ length: segments }, (_, segment) =>
    Array.from({ length: Math.ceil(segmentDepth / most) }, (_, piece) => ({
      depth: Math.min(most, segmentDepth - piece * most),
      aOffsetBytes: segment * aSegmentStrideBytes + piece * most * aBytes,
      bOffsetBytes: ((segment * segmentDepth + piece * most) / stepElements) * bStepBytes,
    })),
  ).flat();
}

function emitStripEpilogue(
  k: KernelBuilder,
  spec: MatmulSpec,
  { args, scratch }: Params,
  { tileRows }: StripProduct,
  state: TileState,
  cOffset: IntReg | null,
): void {
  const row = state.row.get();
  const rows = k.intOp('sub', state.end.get(), row);
  k.intOp('min', rows, tileRows, rows);
  emitEpilogue(k, spec.epilogue, {
    args,
    scratch,
    row,
    rows,
    column: state.column.get(),
    columns: spec.columnsPerTile,
    cStrideBytes: productStrideBytes(spec),
    cOffset,
    blockRows: tileRows,
    places: spec.indirect ? { table: args.table, last: args.lastY } : null,
  });
  state.row.set(k.intOp('add', row, tileRows));
}

/** Pointers to the rows of A in a strip; past the end the last row is repeated, and its results are not used. */
function rowPointers(
  k: KernelBuilder,
  spec: MatmulSpec,
  args: Params['args'],
  policy: ProductPolicy,
  state: TileState,
): IntReg[] {
  const x = args.x();
  const row = state.row.get();
  const last = k.intOp('sub', state.end.get(), 1);
  const pointers: IntReg[] = [];
  for (let m = 0; m < policy.tileRows; m++) {
    const pointer = k.intOp('add', row, m);
    k.intOp('min', pointer, last, pointer);
    if (spec.indirect) {
      k.intOp('shiftLeft', pointer, 3, pointer);
      k.advance(pointer, args.table());
      k.intLoad(k.at(pointer), 'i32', pointer);
      boundIndex(k, pointer, args.lastX());
    } else {
      k.intOp('mul', pointer, spec.aStrideBytes, pointer);
    }
    k.advance(pointer, x);
    pointers.push(pointer);
  }
  return pointers;
}

/** One piece of a segment of one strip: C[m, n] (+)= dot over the segment, for all columns of the tile. */
function emitColumns(
  k: KernelBuilder,
  spec: MatmulSpec,
  policy: ProductPolicy,
  rows: readonly IntReg[],
  b: IntReg,
  c: IntReg,
  { depth, aOffsetBytes, bOffsetBytes }: RowSegment,
): void {
  const { bStrideBytes, columnsPerTile } = spec;
  k.loop(columnsPerTile / policy.tileColumns, () => {
    const tile = dotTile(k, policy, { a: rows, b, bStrideBytes, depth, aOffsetBytes });
    tile.forEach((sums, m) => {
      const columns = policy.tileColumns / sums.length;
      sums.forEach((sum, vector) => {
        const to = k.at(c, (m * columnsPerTile + vector * columns) * 4);
        if (bOffsetBytes > 0) k.add(sum, k.load(to), sum);
        if (columns === 4) k.storeLow(to, sum, 4);
        else k.store(to, sum);
      });
    });
    k.advance(b, policy.tileColumns * bStrideBytes);
    k.advance(c, policy.tileColumns * 4);
  });
}
