import type { KernelBuilder } from '../../jit/builder.js';
import type { Capabilities, IntReg } from '../../jit/ir.js';
import { SCRATCH_VECTOR_BYTES } from '../kernel.js';
import { AffineBlocks, BLOCK_COLUMNS, COLUMN_ALIGNMENT } from './formats/affineBlocks.js';
import { PAIR_STEP, PANEL_ROWS, pairPanelBytes } from './packPairs.js';
import { OPERAND_BYTES } from './productPolicy.js';
import {
  emitStripEpilogue,
  fetchResults,
  forEachStrip,
  type MatmulParams,
  type MatmulSpec,
  type TileState,
  weightsOf,
} from './productTile.js';
import { TileAhead } from './tileAhead.js';
import { forTilesOf, multiplyTiles, TILE_ROW_BYTES, type TileCount, TWO_TILES } from './tileBlock.js';
import { BlockWidener } from './widenBlocks.js';

/** Rows that a left factor has at least: the last ones move back, so that nothing behind them is read. */
export const LEAST_TILE_ROWS = PANEL_ROWS;

/** Columns of a tile of y: a pair of blocks. */
const COLUMNS = COLUMN_ALIGNMENT;
const C_ROW_BYTES = OPERAND_BYTES.f32 * COLUMNS;
const C_BYTES = TWO_TILES * C_ROW_BYTES;
const PANELS = COLUMNS / PANEL_ROWS;

type AffineTilesSpec = MatmulSpec & { readonly bDtype: AffineBlocks };

/** Whether products of `m` rows with packed blocks are products of tiles, with `weights` [n, depth]. */
export function usesAffineTiles(
  { tiles }: Pick<Capabilities, 'tiles'>,
  a: unknown,
  b: unknown,
  { m, n, depth, weights }: Readonly<Record<'m' | 'n' | 'depth' | 'weights', number>>,
): boolean {
  if (!tiles || a !== 'bf16' || !(b instanceof AffineBlocks) || b.isCentred) return false;
  const fits = weights * (C_BYTES + PANELS * pairPanelBytes(depth)) <= SCRATCH_VECTOR_BYTES;
  return m >= LEAST_TILE_ROWS && n % COLUMNS === 0 && fits;
}

export function isAffineTiles(spec: MatmulSpec): spec is AffineTilesSpec {
  return spec.aDtype === 'bf16' && spec.bDtype instanceof AffineBlocks;
}

/**
 * A tile of y, whose 32 columns of packed weights are widened once to panels of bf16 in the second cache, and multiplied with
 * 32 rows of activations at a time, which are left factors where they lie.
 *
 * Error: that of the product, with weights that are rounded to bf16 (`widenBlocks.ts`).
 */
export function emitAffineTiles(
  k: KernelBuilder,
  spec: MatmulSpec & { readonly bDtype: AffineBlocks },
  params: MatmulParams,
  state: TileState,
): void {
  const { args, scratch } = params;
  const { bDtype: blocks, segmentDepth: depth, bStrideBytes } = spec;
  const weights = weightsOf(spec, args);
  const panelBytes = pairPanelBytes(depth);
  const panelsAt = (product: number): number => weights.length * C_BYTES + product * PANELS * panelBytes;
  const widener = new BlockWidener(k, blocks);
  const to = k.intOp('add', scratch, panelsAt(0));
  for (const weight of weights) {
    const b = k.intOp('divide', state.column.get(), BLOCK_COLUMNS);
    k.intOp('mul', b, bStrideBytes, b);
    k.advance(b, weight());
    k.loop(PANELS, () => widener.emitGroups(depth / blocks.groupSize, b, to));
  }
  const ahead = new TileAhead(k, spec, params, state);
  k.withTiles(() => {
    forEachStrip(k, state, TWO_TILES, () => {
      const row = state.row.get();
      const rows = k.intOp('sub', state.end.get(), row);
      fetchResults(k, spec, args, TWO_TILES, state);
      const emitStrip = (leftTiles: TileCount): void => {
        weights.forEach((weight, product) => {
          emitProduct(k, spec, params, {
            state,
            ahead,
            weight,
            leftTiles,
            panels: panelsAt(product),
            c: product * C_BYTES,
          });
        });
      };
      forTilesOf(k, rows, emitStrip);
      const { cOffset } = firstTile(k, spec, params, state);
      emitStripEpilogue(k, spec, params, TWO_TILES, state, cOffset);
      ahead.advance();
    });
  });
}

/** The first tile of rows of a strip, which moves back where it would go on past the last row. */
function firstTile(
  k: KernelBuilder,
  { aStrideBytes }: MatmulSpec,
  { args }: MatmulParams,
  state: TileState,
): { readonly a: IntReg; readonly cOffset: IntReg } {
  const row = state.row.get();
  const first = k.intOp('sub', args.m(), PANEL_ROWS);
  k.intOp('min', first, row, first);
  const cOffset = k.intOp('sub', row, first, row);
  k.intOp('mul', cOffset, C_ROW_BYTES, cOffset);
  const a = k.intOp('mul', first, aStrideBytes, first);
  k.advance(a, args.x());
  return { a, cOffset };
}

function emitProduct(
  k: KernelBuilder,
  spec: AffineTilesSpec,
  params: MatmulParams,
  {
    state,
    ahead,
    weight,
    leftTiles,
    panels,
    c,
  }: {
    readonly state: TileState;
    readonly ahead: TileAhead;
    readonly weight: () => IntReg;
    readonly leftTiles: TileCount;
    readonly panels: number;
    readonly c: number;
  },
): void {
  const { args, scratch } = params;
  const { segmentDepth: depth, aStrideBytes } = spec;
  const { a: left } = firstTile(k, spec, params, state);
  const right = k.intOp('add', scratch, panels);
  const factors = {
    left,
    leftStride: k.intConst(aStrideBytes),
    leftTiles,
    secondLeftBytes: 0,
    right,
    panelBytes: pairPanelBytes(depth),
    rightTiles: 2 as const,
    steps: depth / PAIR_STEP,
  };
  const sumsAt = k.intOp('add', scratch, c);
  const next = ahead.begin(weight);
  const fetch = (): void => ahead.fetch(next);
  if (leftTiles === 1) {
    const at = (_: number, j: number) => k.at(sumsAt, j * TILE_ROW_BYTES);
    multiplyTiles(k, factors, { isFirst: true, strideBytes: C_ROW_BYTES, at }, fetch);
    return;
  }
  // The second tile of rows, likewise.
  const rows = k.intOp('sub', args.m(), PANEL_ROWS);
  k.intOp('sub', rows, state.row.get(), rows);
  k.intOp('min', rows, PANEL_ROWS, rows);
  const secondLeftBytes = k.intOp('mul', rows, aStrideBytes);
  const second = k.intOp('mul', rows, C_ROW_BYTES, rows);
  const at = (i: number, j: number) => k.at(sumsAt, j * TILE_ROW_BYTES, i === 0 ? null : second);
  multiplyTiles(k, { ...factors, secondLeftBytes }, { isFirst: true, strideBytes: C_ROW_BYTES, at }, fetch);
}
