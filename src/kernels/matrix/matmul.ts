import { QwenAsrError } from '../../error.js';
import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg } from '../../jit/ir.js';
import { defineKernel, type Kernel } from '../kernel.js';
import { emitAffineTiles, isAffineTiles } from './affineTiles.js';
import { emitBlockColumns, isBlockProduct, productStrideBytes } from './blockColumns.js';
import { evenRows, type MovingRows, pointedRows } from './blockPass.js';
import { blockTileRows } from './blockRegisters.js';
import { epilogueName } from './epilogue.js';
import { AffineBlocks, BLOCK_COLUMNS, operandName, QuantizedRows } from './formats/affineBlocks.js';
import { choosePolicy } from './formats/choosePolicy.js';
import { emitPanelTile } from './panelProduct.js';
import { OPERAND_BYTES, type OperandDtype, type ProductPolicy } from './productPolicy.js';
import {
  columnAddress,
  cutSegments,
  emitStripColumns,
  emitStripEpilogue,
  fetchResults,
  forEachStrip,
  MATMUL_SLOTS,
  type MatmulParams,
  type MatmulSpec,
  rowPointers,
  segmentDepthOf,
  type TileState,
  tileState,
  weightsOf,
} from './productTile.js';
import { emitTileProduct } from './tileProduct.js';
import { MOST_TILE_ROWS } from './tileShapes.js';
import { stripAhead } from './weightsAhead.js';

/** What a call gives; the other slots follow. */
type MatmulArguments = Omit<typeof MATMUL_SLOTS, 'mTiles' | 'lastX' | 'lastY'>;

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
    call: (values) => {
      if (spec.panels && values.rowsPerTile > MOST_TILE_ROWS) {
        const found = `found ${values.rowsPerTile}`;
        throw new QwenAsrError(
          'internal',
          `${kernel.name}: expected at most ${MOST_TILE_ROWS} rows a tile, ${found}`,
        );
      }
      return kernel.call({
        ...values,
        mTiles: Math.ceil(values.m / values.rowsPerTile),
        lastX: spec.indirect ? values.x.byteLength - windowBytes(spec) : 0,
        lastY: spec.indirect ? values.y.byteLength - spec.n * OPERAND_BYTES[spec.epilogue.yDtype] : 0,
      });
    },
  };
}

function matmulName(spec: MatmulSpec): string {
  const { aDtype, bDtype, n, segments, segmentDepth, columnsPerTile, indirect, panels, tiles } = spec;
  const shape = `n${n}k${segments}x${segmentDepth}t${columnsPerTile}`;
  const ways = `${indirect ? 'i' : ''}${panels ? 'p' : ''}${tiles === undefined ? '' : `t${tiles}`}`;
  const strides = `s${spec.aStrideBytes}.${spec.aSegmentStrideBytes}.${spec.bStrideBytes}${ways}`;
  return `matmul.${operandName(aDtype)}.${operandName(bDtype)}.${shape}.${strides}.${epilogueName(spec.epilogue)}`;
}

/** From the first element of a row of A to the end of its last segment. */
function windowBytes({ aDtype, segments, segmentDepth, aSegmentStrideBytes }: MatmulSpec): number {
  const bytes =
    aDtype instanceof QuantizedRows ? aDtype.rowBytes(segmentDepth) : segmentDepth * OPERAND_BYTES[aDtype];
  return (segments - 1) * aSegmentStrideBytes + bytes;
}

function emit(k: KernelBuilder, spec: MatmulSpec, params: MatmulParams): void {
  const state = tileState(k, spec, params);
  if (spec.tiles !== undefined) return emitTileProduct(k, spec, params, state);
  if (isAffineTiles(spec)) return emitAffineTiles(k, spec, params, state);
  if (spec.panels) return emitPanelTile(k, spec, params, state);
  const product = stripProduct(k, spec, params, state);
  forEachStrip(k, state, product.tileRows, () => {
    emitStripEpilogue(k, spec, params, product.tileRows, state, product.emit());
  });
}

/** How a strip of rows is multiplied with all columns of the tile. */
interface StripProduct {
  readonly tileRows: number;
  /** Writes C. @returns bytes before the first of the tile's columns in it; null: none */
  emit(): IntReg | null;
}

function stripProduct(
  k: KernelBuilder,
  spec: MatmulSpec,
  params: MatmulParams,
  state: TileState,
): StripProduct {
  if (isBlockProduct(spec)) {
    const tileRows = blockTileRows(k.capabilities, spec.bDtype, spec.aDtype);
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
  { args, scratch }: MatmulParams,
  rows: number,
  state: TileState,
): IntReg | null {
  let cOffset: IntReg | null = null;
  const { indirect, columnsPerTile } = spec;
  const segments = { count: spec.segments, strideBytes: spec.aSegmentStrideBytes };
  const depth = spec.segments * spec.segmentDepth;
  if (!indirect) fetchResults(k, spec, args, rows, state);
  const { fetched } = state;
  const columnsOn = (): IntReg => k.intOp('mul', args.tilesAtOnce(), columnsPerTile);
  const rowsOfStrip = (): MovingRows => {
    if (indirect) return pointedRows(k, rowPointers(k, spec, args, { tileRows: rows }, state));
    const a = k.intOp('mul', state.row.get(), spec.aStrideBytes);
    k.advance(a, args.x());
    return evenRows(k, a, spec.aStrideBytes);
  };
  weightsOf(spec, args).forEach((load, product) => {
    const a = rowsOfStrip();
    const c = k.intOp('add', scratch, product * rows * productStrideBytes(spec));
    cOffset = emitBlockColumns(
      k,
      { ...spec, segments, depth, rows, isStream: false },
      {
        a,
        weight: load,
        column: state.column.get(),
        c,
        scratch,
        // Windows take a register each, and leave none for it; their weights stay in the caches.
        next: indirect ? null : { weight: load, columnsOn, fetched },
      },
    );
  });
  if (!indirect) {
    const { stripBytes } = stripAhead(spec.bDtype, depth, columnsPerTile);
    fetched.set(k.intOp('add', fetched.get(), stripBytes));
  }
  return cOffset;
}

/** C = A[strip] · B[columns]ᵀ for every column of the tile, and both weights of SwiGLU. */
function emitStrip(
  k: KernelBuilder,
  spec: MatmulSpec,
  { args, scratch }: MatmulParams,
  policy: ProductPolicy,
  state: TileState,
): void {
  const rows = rowPointers(k, spec, args, policy, state);
  const { bStrideBytes, columnsPerTile: columns } = spec;
  // The segments of a convolution are short, and its tile has so many columns that pieces of them would be far apart.
  const mostDepth = spec.segments > 1 ? Infinity : segmentDepthOf(k.capabilities.tuning, policy.aBytes);
  weightsOf(spec, args).forEach((weight, product) => {
    for (const segment of cutSegments(spec, policy, mostDepth)) {
      const { depth, aOffsetBytes, bOffsetBytes } = segment;
      const b = columnAddress(k, spec, state, weight, bOffsetBytes);
      const c = k.intOp('add', scratch, product * policy.tileRows * columns * 4);
      const isFirst = bOffsetBytes === 0;
      emitStripColumns(k, policy, { rows, aOffsetBytes, b, bStrideBytes, c, columns, depth, isFirst });
    }
  });
}
