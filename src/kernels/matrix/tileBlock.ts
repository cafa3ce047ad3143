import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, IntOperand, IntReg, TileNumber } from '../../jit/ir.js';
import { PAIR_STEP, PANEL_ROWS } from './packPairs.js';
import { OPERAND_BYTES } from './productPolicy.js';

/** Bytes of a row of a tile. */
export const TILE_ROW_BYTES = 64;
export const TILE_BYTES = PANEL_ROWS * TILE_ROW_BYTES;

/** Rows of two tiles. */
export const TWO_TILES = 2 * PANEL_ROWS;

/** One or two tiles of rows. */
export type TileCount = 1 | 2;

/** Writes the work of two tiles, and of one where no more than its rows are left. @param rows of a strip, at least 1 */
export function forTilesOf(k: KernelBuilder, rows: IntReg, body: (tiles: TileCount) => void): void {
  k.if(
    'gt',
    rows,
    PANEL_ROWS,
    () => body(2),
    () => body(1),
  );
}

/** Rows that are multiplied with rows: of the left factor as they lie in memory, of the right one in panels of pairs. */
export interface TileFactors {
  /** First row at its first element; moved by the steps. */
  readonly left: IntReg;
  /** Distance between its rows. */
  readonly leftStride: IntReg;
  readonly leftTiles: TileCount;
  /** From its first tile to its second. */
  readonly secondLeftBytes: IntOperand;
  /** First panel at its first pair; moved by the steps. */
  readonly right: IntReg;
  readonly panelBytes: number;
  readonly rightTiles: TileCount;
  /** PAIR_STEP elements of K each. */
  readonly steps: IntOperand;
}

const SUMS: readonly (readonly TileNumber[])[] = [
  [0, 1],
  [2, 3],
];
const LEFT: readonly TileNumber[] = [4, 5];
const RIGHT: readonly TileNumber[] = [6, 7];

/** Visits the sums of a block: of the left tile `i` and the right one `j`. */
function forEachSum(
  { leftTiles, rightTiles }: Pick<TileFactors, 'leftTiles' | 'rightTiles'>,
  visit: (sum: TileNumber, i: number, j: number) => void,
): void {
  for (let i = 0; i < leftTiles; i++) for (let j = 0; j < rightTiles; j++) visit(SUMS[i]![j]!, i, j);
}

/** Where a block's sums are kept, and the distance of their rows. */
export interface SumsPlace {
  readonly strideBytes: number;
  readonly at: (i: number, j: number) => Address;
}

/**
 * Sums of at most 2 × 2 tiles: of nothing or, where `isFirst` is false, of what their place holds, and back to it.
 *
 * @param fetch is written into every step
 */
export function multiplyTiles(
  k: KernelBuilder,
  factors: TileFactors,
  sums: SumsPlace & { readonly isFirst: boolean },
  fetch: () => void = () => {},
): void {
  const { left, leftStride, leftTiles, secondLeftBytes, right, panelBytes, rightTiles, steps } = factors;
  if (sums.isFirst) forEachSum(factors, (sum) => k.tileZero(sum));
  else {
    const strideBytes = k.intConst(sums.strideBytes);
    forEachSum(factors, (sum, i, j) => k.tileLoad(sum, sums.at(i, j), strideBytes));
  }
  const rowBytes = k.intConst(TILE_ROW_BYTES);
  k.loop(steps, () => {
    const leftAt = (i: number): Address =>
      typeof secondLeftBytes === 'number'
        ? k.at(left, i * secondLeftBytes)
        : k.at(left, 0, i === 0 ? null : secondLeftBytes);
    const loadLeft = (i: number): void => k.tileLoad(LEFT[i]!, leftAt(i), leftStride);
    const loadRight = (j: number): void => k.tileLoad(RIGHT[j]!, k.at(right, j * panelBytes), rowBytes);
    const multiply = (i: number, j: number): void => k.tileDotPairs(SUMS[i]![j]!, LEFT[i]!, RIGHT[j]!);
    loadRight(0);
    loadLeft(0);
    multiply(0, 0);
    if (rightTiles === 2) {
      loadRight(1);
      multiply(0, 1);
    }
    if (leftTiles === 2) {
      loadLeft(1);
      multiply(1, 0);
      if (rightTiles === 2) multiply(1, 1);
    }
    fetch();
    k.advance(left, PAIR_STEP * OPERAND_BYTES.bf16);
    k.advance(right, TILE_BYTES);
  });
  const strideBytes = k.intConst(sums.strideBytes);
  forEachSum(factors, (sum, i, j) => k.tileStore(sums.at(i, j), sum, strideBytes));
}
