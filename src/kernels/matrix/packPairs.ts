import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg } from '../../jit/ir.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { OPERAND_BYTES } from './productPolicy.js';

/** x: [m, depth] bf16, rows `strideBytes` apart; y: its panels. */
const PACK_PAIRS_ARGUMENTS = { x: 'reads', y: 'writes', m: 'number' } as const satisfies ArgumentUses;

export interface PackPairsSpec {
  /** Elements of a row: a multiple of PAIR_STEP. */
  readonly depth: number;
  readonly strideBytes: number;
}

/** Rows of a panel: columns of a tile of sums. */
export const PANEL_ROWS = 16;

/** Elements of K of a tile: 16 pairs. */
export const PAIR_STEP = 32;

const PAIR_BYTES = 2 * OPERAND_BYTES.bf16;

/** Bytes of a panel. */
export function pairPanelBytes(depth: number): number {
  return PANEL_ROWS * OPERAND_BYTES.bf16 * depth;
}

/** Bytes of the panels of `m` rows. */
export function pairPanelsBytes(m: number, depth: number): number {
  return Math.ceil(m / PANEL_ROWS) * pairPanelBytes(depth);
}

/**
 * Rows of bf16 as the right factor of products of tiles: panels of 16 rows, in each the pairs of all rows that stand in one
 * place of K, [depth/2][16][2] bf16. Behind the last row follow rows of zeros. A tile is a panel.
 */
export function packPairs(spec: PackPairsSpec): Kernel<typeof PACK_PAIRS_ARGUMENTS> {
  return defineKernel({
    name: `packPairs.${spec.depth}.s${spec.strideBytes}`,
    args: PACK_PAIRS_ARGUMENTS,
    tiles: ({ m }) => Math.ceil(m / PANEL_ROWS),
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(
  k: KernelBuilder,
  { depth, strideBytes }: PackPairsSpec,
  { args, tile, scratch }: KernelParams<typeof PACK_PAIRS_ARGUMENTS>,
): void {
  const first = k.intOp('mul', tile, PANEL_ROWS);
  const x = args.x();
  k.advance(x, k.intOp('mul', first, strideBytes));
  const rows = k.intOp('sub', args.m(), first, first);
  k.if('lt', rows, PANEL_ROWS, () => {
    copyRows(k, { depth, strideBytes }, { x, rows, scratch });
    k.intMove(x, scratch);
  });
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, pairPanelBytes(depth)));
  const vectorBytes = PAIR_BYTES * k.lanes;
  k.loop((depth * OPERAND_BYTES.bf16) / vectorBytes, () => {
    for (let firstRow = 0; firstRow < PANEL_ROWS; firstRow += k.lanes) {
      const square = Array.from({ length: k.lanes }, (_, row) =>
        k.load(k.at(x, (firstRow + row) * strideBytes)),
      );
      k.transpose(square);
      square.forEach((pairs, i) => {
        k.store(k.at(y, (i * PANEL_ROWS + firstRow) * PAIR_BYTES), pairs);
      });
    }
    k.advance(x, vectorBytes);
    k.advance(y, k.lanes * PANEL_ROWS * PAIR_BYTES);
  });
}

/** The last rows to scratch memory, and rows of zeros behind them. */
function copyRows(
  k: KernelBuilder,
  { depth, strideBytes }: PackPairsSpec,
  { x, rows, scratch }: { readonly x: IntReg; readonly rows: IntReg; readonly scratch: IntReg },
): void {
  const to = k.intMove(k.int(), scratch);
  const vectorBytes = PAIR_BYTES * k.lanes;
  const vectors = (OPERAND_BYTES.bf16 * depth) / vectorBytes;
  const zero = k.vecConst(0);
  k.loop(PANEL_ROWS, () => {
    const at = k.intMove(k.int(), to);
    k.if(
      'gt',
      rows,
      0,
      () =>
        k.loop(vectors, () => {
          k.store(k.at(at), k.load(k.at(x)));
          k.advance(x, vectorBytes);
          k.advance(at, vectorBytes);
        }),
      () =>
        k.loop(vectors, () => {
          k.store(k.at(at), zero);
          k.advance(at, vectorBytes);
        }),
    );
    k.advance(x, strideBytes - OPERAND_BYTES.bf16 * depth);
    k.advance(to, strideBytes);
    k.advance(rows, -1);
  });
}
