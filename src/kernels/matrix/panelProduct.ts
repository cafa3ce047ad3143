import type { KernelBuilder } from '../../jit/builder.js';
import type { Capabilities, IntReg } from '../../jit/ir.js';
import { SCRATCH_VECTOR_BYTES, ScratchVariable } from '../kernel.js';
import { ColumnsAhead, ROWS_AHEAD } from './columnsAhead.js';
import { joinRows, matrixPanel, type PanelFormat, transposedPanel, widenedPanel } from './panelFormats.js';
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
  type StripOperands,
  segmentDepthOf,
  type TileState,
  weightsOf,
} from './productTile.js';
import { MOST_TILE_ROWS } from './tileShapes.js';

/** Fewer rows do not pay for a panel, which is written once, and read once for each strip of them: two strips, and four. */
const LEAST_ROWS = { transposed: 12, widened: 24 } as const;

/** Of the second cache; the rest is for the rows of A and for C. */
const PANEL_SHARE = 1 / 2;

const CACHE_LINE_BYTES = 64;

/** Whether tuning wants a product of `m` rows by way of panels. */
export function usesPanels(
  capabilities: Pick<Capabilities, 'tuning' | 'pairMatrix'>,
  a: unknown,
  b: unknown,
  m: number,
): boolean {
  const transposes = a === 'bf16' && b === 'bf16' && capabilities.tuning.transposes === 1;
  return (transposes && m >= LEAST_ROWS.transposed) || convolvesByPanels(capabilities, a, b, m);
}

/**
 * Whether convolutions of `m` rows go by way of panels: in f32, or of matrices. They ask for no transposed ones: their weights
 * stay in the caches, and a sum of 1440 elements is folded seldom enough (91 % of the ceiling as they are, and transposed).
 */
export function convolvesByPanels(
  { tuning, pairMatrix }: Pick<Capabilities, 'tuning' | 'pairMatrix'>,
  a: unknown,
  b: unknown,
  m: number,
): boolean {
  if (b !== 'bf16' || m < LEAST_ROWS.widened) return false;
  return a === 'f32' ? tuning.widenOnce === 1 : a === 'bf16' && (tuning.pairsAsF32 === 1 || pairMatrix);
}

/** Whether such panels are in f32, transposed. */
export function widensByPanels(
  capabilities: Pick<Capabilities, 'tuning' | 'pairMatrix'>,
  a: unknown,
  b: unknown,
  m: number,
): boolean {
  const { transposes, pairsAsF32 } = capabilities.tuning;
  return transposes === 1 && (a === 'f32' || pairsAsF32 === 1) && usesPanels(capabilities, a, b, m);
}

function panelFormat(capabilities: Capabilities, spec: MatmulSpec): PanelFormat {
  const { tuning, pairMatrix } = capabilities;
  const asPairs = spec.aDtype === 'bf16' && tuning.pairsAsF32 === 0;
  if (asPairs && pairMatrix) return matrixPanel(capabilities, spec);
  if (asPairs) return transposedPanel(capabilities, spec, 'bf16');
  // Elements are transposed in pairs; rows in f32 may have half a vector of them more.
  const isWhole = spec.segmentDepth % (2 * capabilities.lanes) === 0;
  return tuning.transposes === 1 && isWhole
    ? transposedPanel(capabilities, spec, 'f32')
    : widenedPanel(capabilities, spec);
}

/**
 * A tile of y whose columns of B are copied once, to a panel in the second cache, in the order and form in which strips of
 * rows multiply fastest. Rows in bf16 are widened a strip at a time for a panel in f32 (those of convolutions; others are widened before, `widenRows.ts`). K is cut into segments of which a
 * panel fits the second cache.
 */
export function emitPanelTile(
  k: KernelBuilder,
  spec: MatmulSpec,
  params: MatmulParams,
  state: TileState,
): void {
  const { args, scratch } = params;
  const format = panelFormat(k.capabilities, spec);
  const { policy } = format;
  const weights = weightsOf(spec, args);
  const layout = layOut(k.capabilities, spec, format, weights.length);
  const firstRow = new ScratchVariable(k, scratch, 3);
  const cOffset = new ScratchVariable(k, scratch, 4);
  // With one register tile a strip: a loop over several would take a register more.
  const fetchesAhead = format.fetchesAhead && spec.columnsPerTile === policy.tileColumns;
  const ahead = new ColumnsAhead(k, spec, params, state);
  firstRow.set(state.row.get());
  layout.segments.forEach((segment, i) => {
    const isLast = i === layout.segments.length - 1;
    const panelAt = (product: number): IntReg =>
      k.intOp('add', scratch, layout.panel + product * layout.panelBytes);
    weights.forEach((weight, product) => {
      const b = columnAddress(k, spec, state, weight, segment.bOffsetBytes);
      format.write(k, b, panelAt(product), segment.depth);
    });
    state.row.set(firstRow.get());
    cOffset.set(k.intConst(0));
    if (fetchesAhead) ahead.begin(layout.segments[i + 1] ?? null, layout.segments[0]!);
    forEachStrip(k, state, policy.tileRows, () => {
      const stored = rowPointers(k, spec, args, policy, state);
      const { rows, aOffsetBytes } =
        layout.stripRowBytes > 0
          ? copyRows(k, policy, layout, stored, segment, scratch)
          : { rows: stored, ...segment };
      weights.forEach((weight, product) => {
        const next = fetchesAhead && {
          lookahead: { from: ahead.rows(weight), strideBytes: spec.bStrideBytes, rows: ROWS_AHEAD },
        };
        const c = k.intOp('add', scratch, product * layout.cBytes);
        k.advance(c, cOffset.get());
        emitStripColumns(k, policy, {
          rows,
          aOffsetBytes,
          b: panelAt(product),
          bStrideBytes: segment.depth * format.elementBytes,
          c,
          columns: spec.columnsPerTile,
          depth: segment.depth,
          isFirst: i === 0,
          ...next,
        });
      });
      if (isLast) emitStripEpilogue(k, spec, params, policy.tileRows, state, cOffset.get());
      if (fetchesAhead) ahead.advance();
      if (layout.keepsC) cOffset.set(k.intOp('add', cOffset.get(), weights.length * layout.cBytes));
    });
  });
}

/** Where the parts of a tile lie in scratch memory, in bytes: C of one strip or of all, the strip's rows, the panels. */
interface PanelLayout {
  readonly segments: readonly RowSegment[];
  /** C of all strips is kept, because there is more than one segment. */
  readonly keepsC: boolean;
  /** C of one strip and weight. */
  readonly cBytes: number;
  readonly strip: number;
  /** Of a row that is widened, or of rows together; 0: rows are multiplied as they are. */
  readonly stripRowBytes: number;
  readonly panel: number;
  /** Of one weight. */
  readonly panelBytes: number;
}

function layOut(
  { tuning }: Capabilities,
  spec: MatmulSpec,
  { policy, elementBytes, stepElements }: PanelFormat,
  weights: number,
): PanelLayout {
  const { tileRows, rowsTogether = 1 } = policy;
  const stripRows = tileRows / rowsTogether;
  const columns = weights * spec.columnsPerTile;
  const aBytes = OPERAND_BYTES[spec.aDtype as OperandDtype];
  const copiedBytes = aBytes === policy.aBytes ? 0 : policy.aBytes;
  const allOfC = OPERAND_BYTES.f32 * MOST_TILE_ROWS * columns;
  const free = SCRATCH_VECTOR_BYTES - allOfC - stripRows * CACHE_LINE_BYTES;
  const mostDepth = Math.min(
    segmentDepthOf(tuning, policy.aBytes),
    (PANEL_SHARE * tuning.l2Bytes) / (elementBytes * columns),
    free / (elementBytes * columns + copiedBytes * stripRows),
  );
  const step = { aBytes, stepElements, bStepBytes: OPERAND_BYTES.bf16 * stepElements };
  const segments = cutSegments(spec, step, mostDepth);
  const depth = Math.max(...segments.map((segment) => segment.depth));
  const cBytes = OPERAND_BYTES.f32 * tileRows * spec.columnsPerTile;
  const keepsC = segments.length > 1;
  const strip = keepsC ? allOfC : weights * cBytes;
  const stripRowBytes = copiedBytes === 0 ? 0 : copiedBytes * depth + CACHE_LINE_BYTES; // so that no two rows share cache sets
  return {
    segments,
    keepsC,
    cBytes,
    strip,
    stripRowBytes,
    panel: strip + stripRows * stripRowBytes,
    panelBytes: elementBytes * spec.columnsPerTile * depth,
  };
}

/** A segment of the strip's rows, copied: from bf16 to f32, or two together. @param stored pointers, which are moved */
function copyRows(
  k: KernelBuilder,
  { rowsTogether }: ProductPolicy,
  { strip, stripRowBytes }: PanelLayout,
  stored: readonly IntReg[],
  { depth, aOffsetBytes }: RowSegment,
  scratch: IntReg,
): Pick<StripOperands, 'rows' | 'aOffsetBytes'> {
  const to = k.intOp('add', scratch, strip);
  const offset = k.intConst(aOffsetBytes);
  const vectorBytes = OPERAND_BYTES.f32 * k.lanes;
  const rows = stored.filter((_, m) => rowsTogether === undefined || m % rowsTogether === 0);
  const elements = (rowsTogether ?? 1) * k.lanes; // of a row, to one or two vectors
  k.loop(depth / elements, () => {
    rows.forEach((row, m) => {
      const place = k.at(to, m * stripRowBytes);
      if (rowsTogether === undefined) {
        k.store(place, k.load(k.at(row, 0, offset), 'bf16'));
      } else {
        const next = stored[rowsTogether * m + 1]!;
        const places = [place, k.at(to, m * stripRowBytes + vectorBytes)];
        joinRows(k, [k.at(row, 0, offset), k.at(next, 0, offset)], places);
      }
    });
    k.advance(offset, OPERAND_BYTES.bf16 * elements);
    k.advance(to, (elements / k.lanes) * vectorBytes);
  });
  rows.forEach((row, m) => {
    k.intOp('add', scratch, strip + m * stripRowBytes, row);
  });
  return { rows, aOffsetBytes: 0 };
}
