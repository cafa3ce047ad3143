import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, Tuning } from '../../jit/ir.js';
import { type ArgumentUses, boundIndex, type KernelParams, ScratchVariable } from '../kernel.js';
import { productStrideBytes } from './blockColumns.js';
import { type EpilogueSpec, emitEpilogue, PRODUCT_ARGUMENTS } from './epilogue.js';
import { AffineBlocks, type QuantizedRows } from './formats/affineBlocks.js';
import {
  dotTile,
  OPERAND_BYTES,
  type OperandDtype,
  type ProductPolicy,
  type TileOperands,
} from './productPolicy.js';

const CACHE_LINE_BYTES = 64;

/** What a matrix product is specialised on; the number of rows M and all pointers come at run time. */
export interface MatmulSpec {
  /**
   * Quantised rows for blocks, and only for these: at least `blockTileRows` of them, where they are one after another. Or rows
   * in bf16 for blocks, by products of tiles (`affineTiles.ts`): at least LEAST_TILE_ROWS of them.
   */
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
  /** B is copied once a tile, to a panel (`panelProduct.ts`); needs B in bf16, and at most MOST_TILE_ROWS rows a tile. */
  readonly panels: boolean;
  /**
   * By products of tiles (`tileProduct.ts`), with the rows of A in panels of pairs (`packPairs.ts`) and those of B as they are,
   * or those of B in panels and rows of A by the table. Rows a tile are a multiple of 32.
   */
  readonly tiles?: 'rows' | 'columns';
  readonly epilogue: EpilogueSpec;
}

export const MATMUL_SLOTS = {
  ...PRODUCT_ARGUMENTS,
  /** Where rows of x and of y lie when the product is indirect. */
  table: 'reads?',
  /** Rows of x. */
  m: 'number',
  /** Tiles down M. */
  mTiles: 'number',
  /** Rows of one of them. */
  rowsPerTile: 'number',
  /** Tiles that participants compute side by side. */
  tilesAtOnce: 'number',
  /** Largest offset that the table may hold for x, and for y. */
  lastX: 'number',
  lastY: 'number',
} as const satisfies ArgumentUses;

export type MatmulParams = KernelParams<typeof MATMUL_SLOTS>;

/** The strip loop's variables live in scratch memory: the product loops need every integer register of x86-64. */
export interface TileState {
  /** First row of the current strip. */
  readonly row: ScratchVariable;
  /** Row after the tile's last. */
  readonly end: ScratchVariable;
  /** First column of the tile. */
  readonly column: ScratchVariable;
  /** Bytes of the next tile's weights that have been fetched. */
  readonly fetched: ScratchVariable;
}

export function tileState(
  k: KernelBuilder,
  spec: MatmulSpec,
  { args, tile, scratch }: MatmulParams,
): TileState {
  const state = {
    row: new ScratchVariable(k, scratch, 0),
    end: new ScratchVariable(k, scratch, 1),
    column: new ScratchVariable(k, scratch, 2),
    fetched: new ScratchVariable(k, scratch, 5),
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
  if (spec.bDtype instanceof AffineBlocks || spec.tiles === 'rows') state.fetched.set(k.intConst(0));
  return state;
}

/** Runs `body` for each strip of `tileRows` rows, which begins at `row`. */
export function forEachStrip(k: KernelBuilder, state: TileState, tileRows: number, body: () => void): void {
  const first = state.row.get();
  const strips = k.intOp('sub', state.end.get(), first, first);
  k.advance(strips, tileRows - 1);
  k.intOp('divide', strips, tileRows, strips);
  k.loop(strips, () => {
    body();
    state.row.set(k.intOp('add', state.row.get(), tileRows));
  });
}

/** Weights of a product: two of SwiGLU. */
export function weightsOf(
  { epilogue }: MatmulSpec,
  { weight, weight2 }: MatmulParams['args'],
): (() => IntReg)[] {
  return epilogue.activation === 'swiglu' ? [weight, weight2] : [weight];
}

/** Address of a weight at the tile's first column, some bytes into its rows. */
export function columnAddress(
  k: KernelBuilder,
  { bStrideBytes }: MatmulSpec,
  state: TileState,
  weight: () => IntReg,
  offsetBytes: number,
): IntReg {
  const b = k.intOp('mul', state.column.get(), bStrideBytes);
  k.advance(b, weight());
  k.advance(b, offsetBytes);
  return b;
}

/** Elements of a row that follow one another in A and in B. */
export interface RowSegment {
  readonly depth: number;
  readonly aOffsetBytes: number;
  readonly bOffsetBytes: number;
}

/** The segments of a row, cut into pieces of whole steps, as equal as can be, of at most `mostDepth` elements. */
export function cutSegments(
  { segments, segmentDepth, aSegmentStrideBytes }: MatmulSpec,
  { aBytes, bStepBytes, stepElements }: Pick<ProductPolicy, 'aBytes' | 'bStepBytes' | 'stepElements'>,
  mostDepth: number,
): RowSegment[] {
  const steps = segmentDepth / stepElements;
  const mostSteps = Math.min(steps, Math.max(1, Math.floor(mostDepth / stepElements)));
  const most = Math.ceil(steps / Math.ceil(steps / mostSteps)) * stepElements;
  return Array.from({ length: segments }, (_, segment) =>
    Array.from({ length: Math.ceil(segmentDepth / most) }, (_, piece) => ({
      depth: Math.min(most, segmentDepth - piece * most),
      aOffsetBytes: segment * aSegmentStrideBytes + piece * most * aBytes,
      bOffsetBytes: ((segment * segmentDepth + piece * most) / stepElements) * bStepBytes,
    })),
  ).flat();
}

/** Elements of a row of A that target's tuning lets one pass over the columns multiply. */
export function segmentDepthOf({ kSegmentBytes }: Tuning, elementBytes: number): number {
  return kSegmentBytes === 0 ? Infinity : kSegmentBytes / elementBytes;
}

/** Pointers to the rows of A in a strip; past the end the last row is repeated, and its results are not used. */
export function rowPointers(
  k: KernelBuilder,
  spec: MatmulSpec,
  args: MatmulParams['args'],
  { tileRows }: Pick<ProductPolicy, 'tileRows'>,
  state: TileState,
): IntReg[] {
  const x = args.x();
  const row = state.row.get();
  const last = k.intOp('sub', state.end.get(), 1);
  const pointers: IntReg[] = [];
  for (let m = 0; m < tileRows; m++) {
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

/** Where a strip and the columns that it meets lie; `b` and `c` are moved. */
export interface StripOperands {
  readonly rows: readonly IntReg[];
  readonly aOffsetBytes: number;
  readonly b: IntReg;
  readonly bStrideBytes: number;
  readonly c: IntReg;
  readonly columns: number;
  readonly depth: number;
  /** The first piece of the rows: C is not added to. */
  readonly isFirst: boolean;
  /** Rows of B to fetch in the meantime, for each register tile. */
  readonly lookahead?: TileOperands['lookahead'];
}

/** C[m, n] (+)= dot over one piece of the rows, for all columns. */
export function emitStripColumns(k: KernelBuilder, policy: ProductPolicy, operands: StripOperands): void {
  const { rows, aOffsetBytes, b, bStrideBytes, c, depth, lookahead } = operands;
  const { rowsTogether = 1 } = policy;
  forEachColumns(k, operands.columns / policy.tileColumns, () => {
    const tile = dotTile(k, policy, {
      a: rows,
      b,
      bStrideBytes,
      depth,
      aOffsetBytes,
      ...(lookahead && { lookahead }),
    });
    tile.forEach((sums, m) => {
      const ofRow = sums.length / rowsTogether; // vectors
      const columns = policy.tileColumns / ofRow;
      sums.forEach((sum, i) => {
        const row = m * rowsTogether + Math.floor(i / ofRow);
        const to = k.at(c, (row * operands.columns + (i % ofRow) * columns) * 4);
        if (!operands.isFirst) k.add(sum, k.load(to), sum);
        if (columns === 4) k.storeLow(to, sum, 4);
        else k.store(to, sum);
      });
    });
    k.advance(b, policy.tileColumns * bStrideBytes);
    k.advance(c, policy.tileColumns * 4);
  });
}

/** A loop, whose counter takes a register, only where there is more than one turn. */
function forEachColumns(k: KernelBuilder, count: number, body: () => void): void {
  if (count === 1) body();
  else k.loop(count, body);
}

/**
 * Fetches y of a strip while it is multiplied: nothing has touched it before, and stores that wait for it hold up those of
 * C behind them: on a Zen 4 products take 3 % (AVX2) to 5 % (AVX-512 VNNI) less time so, tiles on an Emerald Rapids 4 to 8 %.
 */
export function fetchResults(
  k: KernelBuilder,
  { columnsPerTile, epilogue }: MatmulSpec,
  args: MatmulParams['args'],
  rows: number,
  state: TileState,
): void {
  if (k.capabilities.registersAreVirtual) return;
  const { yDtype, yStrideBytes } = epilogue;
  const y = args.y();
  k.advance(y, k.intOp('mul', state.row.get(), yStrideBytes));
  k.advance(y, k.intOp('mul', state.column.get(), OPERAND_BYTES[yDtype]));
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < OPERAND_BYTES[yDtype] * columnsPerTile; at += CACHE_LINE_BYTES) {
      k.prefetch(k.at(y, row * yStrideBytes + at), 'near');
    }
  }
}

/** y of a strip from its C. @param cOffset bytes of C before the strip's first column; null: none */
export function emitStripEpilogue(
  k: KernelBuilder,
  spec: MatmulSpec,
  { args, scratch }: MatmulParams,
  tileRows: number,
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
}
