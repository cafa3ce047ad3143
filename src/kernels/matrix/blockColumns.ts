import { QwenAsrError } from '../../error.js';
import type { KernelBuilder } from '../../jit/builder.js';
import type { IntOperand, IntReg } from '../../jit/ir.js';
import type { ScratchVariable } from '../kernel.js';
import type { BlockProductSpec, MovingRows } from './blockPass.js';
import { emitBlockProduct } from './blockProduct.js';
import { AffineBlocks, COLUMN_ALIGNMENT, QuantizedRows } from './formats/affineBlocks.js';
import { type BlockTurns, streamAhead, tileAhead, type WeightsAhead } from './weightsAhead.js';

/** What makes a kernel a product with blocks. */
interface BlockOperandTypes {
  readonly aDtype: QuantizedRows;
  readonly bDtype: AffineBlocks;
}

/** @throws QwenAsrError `internal` for operands of which only one is quantised */
export function isBlockProduct<Spec extends { readonly aDtype: unknown; readonly bDtype: unknown }>(
  spec: Spec,
): spec is Spec & BlockOperandTypes {
  const { aDtype, bDtype } = spec;
  const isQuantized = aDtype instanceof QuantizedRows;
  if (isQuantized === bDtype instanceof AffineBlocks) return isQuantized;
  throw new QwenAsrError('internal', 'a product: expected both operands quantised or none');
}

/** A kernel's columns: `columnsPerTile` of `n`, of which the last tile overlaps the one before. */
interface TileColumns {
  readonly bDtype: unknown;
  readonly n: number;
  readonly columnsPerTile: number;
}

/** Whether every tile starts and ends with a pair of blocks. */
function isAligned({ n, columnsPerTile }: TileColumns): boolean {
  return n % COLUMN_ALIGNMENT === 0 && columnsPerTile % COLUMN_ALIGNMENT === 0;
}

/** Distance between rows of C: of blocks all columns of those that the tile touches. */
export function productStrideBytes(spec: TileColumns): number {
  const { bDtype, columnsPerTile } = spec;
  if (!(bDtype instanceof AffineBlocks) || isAligned(spec)) return 4 * columnsPerTile;
  return 4 * COLUMN_ALIGNMENT * Math.ceil((columnsPerTile + COLUMN_ALIGNMENT - 1) / COLUMN_ALIGNMENT);
}

/** What a thread is likely to multiply when it is done with a tile. */
interface NextTile {
  readonly weight: () => IntReg;
  /** Columns from the tile to that one. */
  readonly columnsOn: () => IntReg;
  /** Of products in strips of rows: bytes of it that earlier ones have fetched. Null: the weights pass once. */
  readonly fetched: ScratchVariable | null;
}

/**
 * C [rows, columnsPerTile] f32 from `column` on.
 *
 * @returns bytes before that column in a row of C; null: none
 */
export function emitBlockColumns(
  k: KernelBuilder,
  spec: BlockOperandTypes & TileColumns & Pick<BlockProductSpec, 'depth' | 'segments' | 'rows' | 'isStream'>,
  operands: {
    readonly a: MovingRows;
    readonly weight: () => IntReg;
    readonly column: IntReg;
    readonly c: IntReg;
    readonly scratch: IntReg;
    /** Null: nothing is fetched ahead. */
    readonly next: NextTile | null;
  },
): IntReg | null {
  const { aDtype: activations, bDtype: weight, depth, segments, rows, isStream, columnsPerTile } = spec;
  const { a, c, column, scratch } = operands;
  const cStrideBytes = productStrideBytes(spec);
  const shape = { weight, activations, depth, segments, rows, isStream, cStrideBytes };
  const b = k.intMove(k.int(), column);
  blockAddress(k, spec, operands.weight, b);
  const emitPairs = (pairs: IntOperand): void => {
    const { next: following } = operands;
    const weightsAhead = (turns: BlockTurns): WeightsAhead | null => {
      if (following === null) return null;
      const next = (): IntReg => nextTile(k, spec, column, following);
      const { fetched } = following;
      if (fetched === null) return streamAhead(k, { weight, depth, ...turns }, { scratch, b, pairs, next });
      return isAligned(spec)
        ? tileAhead(k, { weight, depth, columns: columnsPerTile }, { fetched, next })
        : null;
    };
    emitBlockProduct(k, shape, { a, b, c, pairs, weightsAhead });
  };
  if (isAligned(spec)) {
    emitPairs(columnsPerTile / COLUMN_ALIGNMENT);
    return null;
  }
  // The pair of blocks that the first column is in, to that of the last one.
  const shift = k.intOp('and', column, COLUMN_ALIGNMENT - 1);
  const pairs = k.intOp('add', shift, columnsPerTile + COLUMN_ALIGNMENT - 1);
  k.intOp('shiftRight', pairs, Math.log2(COLUMN_ALIGNMENT), pairs);
  emitPairs(pairs);
  return k.intOp('shiftLeft', shift, 2, shift);
}

/** From a column to the address of the pair of blocks that it is in. */
function blockAddress(
  k: KernelBuilder,
  { bDtype, depth }: BlockOperandTypes & { readonly depth: number },
  weight: () => IntReg,
  column: IntReg,
): IntReg {
  k.intOp('shiftRight', column, Math.log2(COLUMN_ALIGNMENT), column);
  k.intOp('mul', column, 2 * bDtype.blockBytes(depth), column);
  k.advance(column, weight());
  return column;
}

/** First block of the tile after this one; of the last tile itself. */
function nextTile(
  k: KernelBuilder,
  spec: BlockOperandTypes & TileColumns & { readonly depth: number },
  column: IntReg,
  { weight, columnsOn }: NextTile,
): IntReg {
  const next = columnsOn();
  k.advance(next, column);
  k.intOp('min', next, spec.n - spec.columnsPerTile, next);
  return blockAddress(k, spec, weight, next);
}
