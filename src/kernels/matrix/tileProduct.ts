import type { KernelBuilder } from '../../jit/builder.js';
import type { Capabilities, IntReg, VecReg } from '../../jit/ir.js';
import { boundIndex, ScratchVariable } from '../kernel.js';
import { emitSquareEpilogue } from './epilogue.js';
import { PAIR_STEP, PANEL_ROWS, pairPanelBytes } from './packPairs.js';
import { OPERAND_BYTES } from './productPolicy.js';
import {
  columnAddress,
  cutSegments,
  emitStripEpilogue,
  fetchResults,
  forEachStrip,
  type MatmulParams,
  type MatmulSpec,
  type RowSegment,
  type TileState,
  weightsOf,
} from './productTile.js';
import { TileAhead } from './tileAhead.js';
import {
  forTilesOf,
  multiplyTiles,
  TILE_BYTES,
  TILE_ROW_BYTES,
  type TileCount,
  type TileFactors,
  TWO_TILES,
} from './tileBlock.js';
import { CONVOLUTION_TILE_ROWS } from './tileShapes.js';

/** Whether products of many rows of these types are products of tiles. */
export function usesTiles({ tiles }: Pick<Capabilities, 'tiles'>, a: unknown, b: unknown): boolean {
  return tiles && a === 'bf16' && b === 'bf16';
}

/**
 * A tile of y by products of tiles, a strip of 32 rows at a time. Rows of bf16 can be the left factor as they lie in memory;
 * the right one is in panels of pairs. Of a layer's product the rows of A are, which are fewer than the weights: these are
 * read where they are mapped, and sums come out with rows and columns exchanged. Of a convolution the weights are in panels,
 * and windows are copied to rows.
 */
export function emitTileProduct(
  k: KernelBuilder,
  spec: MatmulSpec,
  params: MatmulParams,
  state: TileState,
): void {
  k.withTiles(() => {
    if (spec.tiles === 'rows') emitRowPanels(k, spec, params, state);
    else emitColumnPanels(k, spec, params, state);
  });
}

/** Bytes of C of a strip and weight: [32, columns] f32. */
function stripBytes({ columnsPerTile }: MatmulSpec): number {
  return OPERAND_BYTES.f32 * TWO_TILES * columnsPerTile;
}

/** Two tiles of columns at a time, and what is left of an odd number of them. */
function forEachColumns(k: KernelBuilder, columns: number, body: (tiles: TileCount) => void): void {
  const twos = Math.floor(columns / TWO_TILES);
  if (twos === 1) body(2);
  else if (twos > 1) k.loop(twos, () => body(2));
  if (columns % TWO_TILES !== 0) body(1);
}

function emitRowPanels(k: KernelBuilder, spec: MatmulSpec, params: MatmulParams, state: TileState): void {
  const weights = weightsOf(spec, params.args);
  const ahead = new TileAhead(k, spec, params, state);
  forEachStrip(k, state, TWO_TILES, () => {
    fetchResults(k, spec, params.args, TWO_TILES, state);
    const rows = k.intOp('sub', state.end.get(), state.row.get());
    const emitStrip = (rightTiles: TileCount, finishes = false): void =>
      weights.forEach((weight, product) => {
        emitStripOfWeight(k, spec, params, { state, ahead, weight, product, rightTiles, finishes });
      });
    const emitByC = (): void => {
      forTilesOf(k, rows, emitStrip);
      emitStripEpilogue(k, spec, params, TWO_TILES, state, null);
    };
    if (spec.epilogue.activation === 'none') k.if('ge', rows, TWO_TILES, () => emitStrip(2, true), emitByC);
    else emitByC();
    ahead.advance();
  });
}

/** C of a strip of rows in panels and a weight. */
function emitStripOfWeight(
  k: KernelBuilder,
  spec: MatmulSpec,
  params: MatmulParams,
  {
    state,
    ahead,
    weight,
    product,
    rightTiles,
    finishes,
  }: {
    readonly state: TileState;
    readonly ahead: TileAhead;
    readonly weight: () => IntReg;
    readonly product: number;
    readonly rightTiles: TileCount;
    /** All rows are there, no activation follows, and y is written at once. */
    readonly finishes: boolean;
  },
): void {
  const { args, scratch } = params;
  const { segmentDepth, bStrideBytes, columnsPerTile } = spec;
  const panelBytes = pairPanelBytes(segmentDepth);
  const steps = segmentDepth / PAIR_STEP;
  const left = columnAddress(k, spec, state, weight, 0);
  const right = k.intOp('shiftRight', state.row.get(), Math.log2(PANEL_ROWS));
  k.intOp('mul', right, panelBytes, right);
  k.advance(right, args.x());
  const next = ahead.begin(weight);
  const sums = weightsOf(spec, args).length * stripBytes(spec);
  const c = k.intOp('add', scratch, product * stripBytes(spec));
  forEachColumns(k, columnsPerTile, (leftTiles) => {
    const factors = {
      left,
      leftStride: k.intConst(bStrideBytes),
      leftTiles,
      secondLeftBytes: PANEL_ROWS * bStrideBytes,
      right,
      panelBytes,
      rightTiles,
      steps,
    };
    const place = (i: number, j: number): number => sums + (2 * i + j) * TILE_BYTES;
    const at = (i: number, j: number) => k.at(scratch, place(i, j));
    multiplyTiles(k, factors, { isFirst: true, strideBytes: TILE_ROW_BYTES, at }, () => ahead.fetch(next));
    k.advance(left, leftTiles * PANEL_ROWS * bStrideBytes - steps * TILE_ROW_BYTES);
    k.advance(right, -steps * TILE_BYTES);
    if (finishes) finishSums(k, spec, params, { state, factors, place, c });
    else exchangeSums(k, spec, factors, { scratch, place, c });
    k.advance(c, leftTiles * PANEL_ROWS * OPERAND_BYTES.f32);
  });
}

/** Sums of columns by rows, in scratch memory, to y. @param c where in C they would stand */
function finishSums(
  k: KernelBuilder,
  spec: MatmulSpec,
  { args, scratch }: MatmulParams,
  {
    state,
    factors: { leftTiles, rightTiles },
    place,
    c,
  }: {
    readonly state: TileState;
    readonly factors: Pick<TileFactors, 'leftTiles' | 'rightTiles'>;
    readonly place: (i: number, j: number) => number;
    readonly c: IntReg;
  },
): void {
  for (let i = 0; i < leftTiles; i++) {
    const column = (): IntReg => {
      const before = k.intOp('sub', c, scratch);
      k.intOp('shiftRight', before, Math.log2(OPERAND_BYTES.f32), before);
      k.advance(before, state.column.get());
      return k.intOp('add', before, i * PANEL_ROWS, before);
    };
    for (let j = 0; j < rightTiles; j++) {
      const row = (): IntReg => k.intOp('add', state.row.get(), j * PANEL_ROWS);
      const products = loadSquare(k, scratch, place(i, j));
      emitSquareEpilogue(k, spec.epilogue, { args, products, row, column });
    }
  }
}

/** A square of sums with rows and columns exchanged. */
function loadSquare(k: KernelBuilder, scratch: IntReg, place: number): VecReg[] {
  const square = Array.from({ length: PANEL_ROWS }, (_, column) =>
    k.load(k.at(scratch, place + column * TILE_ROW_BYTES)),
  );
  k.transpose(square);
  return square;
}

/** Sums of columns by rows, in scratch memory, to rows of C. */
function exchangeSums(
  k: KernelBuilder,
  { columnsPerTile }: MatmulSpec,
  { leftTiles, rightTiles }: Pick<TileFactors, 'leftTiles' | 'rightTiles'>,
  {
    scratch,
    place,
    c,
  }: {
    readonly scratch: IntReg;
    readonly place: (i: number, j: number) => number;
    readonly c: IntReg;
  },
): void {
  for (let i = 0; i < leftTiles; i++) {
    for (let j = 0; j < rightTiles; j++) {
      loadSquare(k, scratch, place(i, j)).forEach((row, m) => {
        const rowBytes = OPERAND_BYTES.f32 * columnsPerTile;
        k.store(k.at(c, (j * PANEL_ROWS + m) * rowBytes + i * TILE_ROW_BYTES), row);
      });
    }
  }
}

/** Elements of K of which 32 rows stay in the first cache. */
const COPIED_DEPTH = 512;

function emitColumnPanels(k: KernelBuilder, spec: MatmulSpec, params: MatmulParams, state: TileState): void {
  const { args, scratch } = params;
  const { columnsPerTile } = spec;
  const step = {
    aBytes: OPERAND_BYTES.bf16,
    stepElements: PAIR_STEP,
    bStepBytes: TILE_BYTES,
  };
  const pieces = cutSegments(spec, step, COPIED_DEPTH);
  const firstRow = new ScratchVariable(k, scratch, 3);
  const cOffset = new ScratchVariable(k, scratch, 4);
  const cStrideBytes = OPERAND_BYTES.f32 * columnsPerTile;
  const copies = CONVOLUTION_TILE_ROWS * cStrideBytes;
  const panelBytes = pairPanelBytes(spec.segments * spec.segmentDepth);
  firstRow.set(state.row.get());
  pieces.forEach((piece, i) => {
    const isFirst = i === 0;
    const copyBytes = OPERAND_BYTES.bf16 * piece.depth + TILE_ROW_BYTES; // so that not all rows share cache sets
    const steps = piece.depth / PAIR_STEP;
    state.row.set(firstRow.get());
    cOffset.set(k.intConst(0));
    forEachStrip(k, state, TWO_TILES, () => {
      copyWindows(k, params, { state, piece, to: copies, copyBytes });
      const left = k.intOp('add', scratch, copies);
      const right = k.intOp('shiftRight', state.column.get(), Math.log2(PANEL_ROWS));
      k.intOp('mul', right, panelBytes, right);
      k.advance(right, args.weight());
      k.advance(right, piece.bOffsetBytes);
      const c = k.intOp('add', scratch, cOffset.get());
      forEachColumns(k, columnsPerTile, (rightTiles) => {
        multiplyTiles(
          k,
          {
            left,
            leftStride: k.intConst(copyBytes),
            leftTiles: 2,
            secondLeftBytes: PANEL_ROWS * copyBytes,
            right,
            panelBytes,
            rightTiles,
            steps,
          },
          {
            isFirst,
            strideBytes: cStrideBytes,
            at: (row, column) => k.at(c, row * PANEL_ROWS * cStrideBytes + column * TILE_ROW_BYTES),
          },
        );
        k.advance(left, -steps * TILE_ROW_BYTES);
        k.advance(right, rightTiles * panelBytes - steps * TILE_BYTES);
        k.advance(c, rightTiles * TILE_ROW_BYTES);
      });
      if (i === pieces.length - 1) emitStripEpilogue(k, spec, params, TWO_TILES, state, cOffset.get());
      cOffset.set(k.intOp('add', cOffset.get(), stripBytes(spec)));
    });
  });
}

/** A piece of the windows of a strip to rows of their own; past the end the last one again, whose results are not used. */
function copyWindows(
  k: KernelBuilder,
  { args, scratch }: MatmulParams,
  {
    state,
    piece,
    to,
    copyBytes,
  }: {
    readonly state: TileState;
    readonly piece: RowSegment;
    readonly to: number;
    readonly copyBytes: number;
  },
): void {
  const row = state.row.get();
  const last = k.intOp('sub', state.end.get(), 1);
  const copy = k.intOp('add', scratch, to);
  const lines = (OPERAND_BYTES.bf16 * piece.depth) / TILE_ROW_BYTES;
  k.loop(TWO_TILES, () => {
    const from = k.intOp('min', row, last);
    k.intOp('shiftLeft', from, 3, from);
    k.advance(from, args.table());
    k.intLoad(k.at(from), 'i32', from);
    boundIndex(k, from, args.lastX());
    k.advance(from, args.x());
    for (let line = 0; line < lines; line++) {
      const offset = line * TILE_ROW_BYTES;
      k.store(k.at(copy, offset), k.load(k.at(from, piece.aOffsetBytes + offset)));
    }
    k.advance(copy, copyBytes);
    k.advance(row, 1);
  });
}
