import type { KernelBuilder } from '../../jit/builder.js';
import type { Capabilities, IntReg } from '../../jit/ir.js';
import { SCRATCH_VECTOR_BYTES, ScratchVariable } from '../kernel.js';
import { choosePolicy } from './formats/choosePolicy.js';
import { OPERAND_BYTES, type OperandDtype, type ProductPolicy } from './productPolicy.js';
import {
  columnAddress,
  cutSegments,
  emitStripColumns,
  emitStripEpilogue,
  forEachStrip,
  type MatmulParams,
  type MatmulSpec,
  type RowSegment,
  rowPointers,
  segmentDepthOf,
  type TileState,
  weightsOf,
} from './productTile.js';
import { MOST_TILE_ROWS } from './tileShapes.js';

/** Fewer rows do not pay for a panel: it is written once, and read once for each strip of rows. */
const LEAST_ROWS = 24;

/** Of the second cache; the rest is for the rows of A and for C. */
const PANEL_SHARE = 1 / 2;

/** Columns side by side in a panel. */
const COLUMNS = 4;

const CACHE_LINE_BYTES = 64;

/** Whether tuning wants a product of `m` rows by way of panels. */
export function usesPanels(
  { tuning }: Pick<Capabilities, 'tuning'>,
  a: unknown,
  b: unknown,
  m: number,
): boolean {
  if (b !== 'bf16' || m < LEAST_ROWS) return false;
  return (a === 'f32' && tuning.widenOnce === 1) || (a === 'bf16' && tuning.pairsAsF32 === 1);
}

/**
 * A tile of y whose columns of B are widened to f32 once, to a panel in the second cache, instead of in registers for
 * every strip of rows: where widening takes the units that multiply, it costs a third of their time. In a panel four
 * columns lie side by side, so that a strip reads one stream, and no two columns share cache sets. Rows in bf16 are
 * widened a strip at a time. K is cut into segments of which a panel fits the second cache.
 */
export function emitPanelTile(
  k: KernelBuilder,
  spec: MatmulSpec,
  params: MatmulParams,
  state: TileState,
): void {
  const { args, scratch } = params;
  const policy = panelPolicy(k.capabilities);
  const { tileRows } = policy;
  const weights = weightsOf(spec, args);
  const layout = layOut(k.capabilities, spec, policy, weights.length);
  const firstRow = new ScratchVariable(k, scratch, 3);
  const cOffset = new ScratchVariable(k, scratch, 4);
  firstRow.set(state.row.get());
  layout.segments.forEach((segment, i) => {
    const isLast = i === layout.segments.length - 1;
    const panelAt = (product: number): IntReg =>
      k.intOp('add', scratch, layout.panel + product * layout.panelBytes);
    weights.forEach((weight, product) => {
      const b = columnAddress(k, spec, state, weight, segment.bOffsetBytes);
      writePanel(k, spec, b, panelAt(product), segment.depth);
    });
    state.row.set(firstRow.get());
    cOffset.set(k.intConst(0));
    forEachStrip(k, state, tileRows, () => {
      const stored = rowPointers(k, spec, args, policy, state);
      const { rows, aOffsetBytes } = stripRows(k, spec, layout, stored, segment, scratch);
      weights.forEach((_, product) => {
        const c = k.intOp('add', scratch, product * layout.cBytes);
        k.advance(c, cOffset.get());
        emitStripColumns(k, policy, {
          rows,
          aOffsetBytes,
          b: panelAt(product),
          bStrideBytes: segment.depth * OPERAND_BYTES.f32,
          c,
          columns: spec.columnsPerTile,
          depth: segment.depth,
          isFirst: i === 0,
        });
      });
      if (isLast) emitStripEpilogue(k, spec, params, tileRows, state, cOffset.get());
      if (layout.keepsC) cOffset.set(k.intOp('add', cOffset.get(), weights.length * layout.cBytes));
    });
  });
}

/** Both sides in f32, four columns side by side. */
function panelPolicy(capabilities: Capabilities): ProductPolicy {
  const vectorBytes = 4 * capabilities.lanes;
  return {
    ...choosePolicy(capabilities, 'f32', 'f32'),
    bOffsets: () => Array.from({ length: COLUMNS }, (_, column) => column * vectorBytes),
    bStepBytes: COLUMNS * vectorBytes,
  };
}

/** Where the parts of a tile lie in scratch memory, in bytes: C of one strip or of all, the strip's rows, the panels. */
interface PanelLayout {
  readonly segments: readonly RowSegment[];
  /** C of all strips is kept, because there is more than one segment. */
  readonly keepsC: boolean;
  /** C of one strip and weight. */
  readonly cBytes: number;
  readonly strip: number;
  readonly stripRowBytes: number;
  readonly panel: number;
  /** Of one weight. */
  readonly panelBytes: number;
}

function layOut(
  { tuning }: Capabilities,
  spec: MatmulSpec,
  { tileRows, stepElements }: ProductPolicy,
  weights: number,
): PanelLayout {
  const columns = weights * spec.columnsPerTile;
  const allOfC = OPERAND_BYTES.f32 * MOST_TILE_ROWS * columns;
  const free = SCRATCH_VECTOR_BYTES - allOfC - tileRows * CACHE_LINE_BYTES;
  const mostDepth = Math.min(
    segmentDepthOf(tuning, OPERAND_BYTES.f32),
    (PANEL_SHARE * tuning.l2Bytes) / (OPERAND_BYTES.f32 * columns),
    free / (OPERAND_BYTES.f32 * (columns + tileRows)),
  );
  const aBytes = OPERAND_BYTES[spec.aDtype as OperandDtype];
  const step = { aBytes, stepElements, bStepBytes: OPERAND_BYTES.bf16 * stepElements };
  const segments = cutSegments(spec, step, mostDepth);
  const depth = Math.max(...segments.map((segment) => segment.depth));
  const cBytes = OPERAND_BYTES.f32 * tileRows * spec.columnsPerTile;
  const keepsC = segments.length > 1;
  const strip = keepsC ? allOfC : weights * cBytes;
  const stripRowBytes = OPERAND_BYTES.f32 * depth + CACHE_LINE_BYTES; // so that no two rows share cache sets
  return {
    segments,
    keepsC,
    cBytes,
    strip,
    stripRowBytes,
    panel: strip + tileRows * stripRowBytes,
    panelBytes: OPERAND_BYTES.f32 * spec.columnsPerTile * depth,
  };
}

/** Widens a segment of the tile's columns; `b` and `to` are moved. */
function writePanel(k: KernelBuilder, spec: MatmulSpec, b: IntReg, to: IntReg, depth: number): void {
  const { bStrideBytes, columnsPerTile } = spec;
  const vectorBytes = 4 * k.lanes;
  k.loop(columnsPerTile / COLUMNS, () => {
    k.loop(depth / k.lanes, () => {
      for (let column = 0; column < COLUMNS; column++) {
        k.store(k.at(to, column * vectorBytes), k.load(k.at(b, column * bStrideBytes), 'bf16'));
      }
      k.advance(b, OPERAND_BYTES.bf16 * k.lanes);
      k.advance(to, COLUMNS * vectorBytes);
    });
    k.advance(b, COLUMNS * bStrideBytes - OPERAND_BYTES.bf16 * depth);
  });
}

/** A segment of the strip's rows in f32: where they are, or a widened copy. @param stored pointers, which may be moved */
function stripRows(
  k: KernelBuilder,
  spec: MatmulSpec,
  { strip, stripRowBytes }: PanelLayout,
  stored: readonly IntReg[],
  { depth, aOffsetBytes }: RowSegment,
  scratch: IntReg,
): { readonly rows: readonly IntReg[]; readonly aOffsetBytes: number } {
  if (spec.aDtype === 'f32') return { rows: stored, aOffsetBytes };
  const to = k.intOp('add', scratch, strip);
  const offset = k.intConst(aOffsetBytes);
  k.loop(depth / k.lanes, () => {
    stored.forEach((row, m) => {
      k.store(k.at(to, m * stripRowBytes), k.load(k.at(row, 0, offset), 'bf16'));
    });
    k.advance(offset, OPERAND_BYTES.bf16 * k.lanes);
    k.advance(to, OPERAND_BYTES.f32 * k.lanes);
  });
  stored.forEach((row, m) => {
    k.intOp('add', scratch, strip + m * stripRowBytes, row);
  });
  return { rows: stored, aOffsetBytes: 0 };
}
