import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg } from '../../jit/ir.js';
import { ScratchVariable } from '../kernel.js';
import type { MatmulParams, MatmulSpec, RowSegment, TileState } from './productTile.js';

/**
 * Rows of B of which a strip fetches what it multiplies of A: four strips fetch 64. With one thread of a Zen 4, 1024 elements
 * and 24, 48, 96 and 156 rows, 16 reach 68, 80, 90 and 93 % of the ceiling, 8 50, 77, 89 and 92, 4 47, 69, 87 and 92.
 */
export const ROWS_AHEAD = 16;

/**
 * What the participant will read next, fetched to the second cache while it multiplies: the next piece of the tile's
 * columns, or the first of the columns that it will probably claim. Memory would otherwise be waited for at each tile's
 * beginning: a tenth of the time with 157 rows.
 */
export class ColumnsAhead {
  private readonly k: KernelBuilder;
  private readonly spec: MatmulSpec;
  private readonly params: MatmulParams;
  private readonly state: TileState;
  /** Bytes from a weight's beginning. */
  private readonly offset: ScratchVariable;
  private readonly last: ScratchVariable;

  constructor(k: KernelBuilder, spec: MatmulSpec, params: MatmulParams, state: TileState) {
    this.k = k;
    this.spec = spec;
    this.params = params;
    this.state = state;
    this.offset = new ScratchVariable(k, params.scratch, 5);
    this.last = new ScratchVariable(k, params.scratch, 6);
  }

  /** @param next of the same columns; null: of others the `first` */
  begin(next: RowSegment | null, first: RowSegment): void {
    const { k, spec } = this;
    const column = next === null ? nextColumn(k, spec, this.params, this.state) : this.state.column.get();
    k.intOp('mul', column, spec.bStrideBytes, column);
    k.advance(column, (next ?? first).bOffsetBytes);
    this.offset.set(column);
    k.advance(column, (spec.columnsPerTile - ROWS_AHEAD) * spec.bStrideBytes);
    this.last.set(column);
  }

  /** The first of ROWS_AHEAD rows. */
  rows(weight: () => IntReg): IntReg {
    const from = this.offset.get();
    this.k.intOp('min', from, this.last.get(), from);
    this.k.advance(from, weight());
    return from;
  }

  /** On to the next rows. */
  advance(): void {
    this.offset.set(this.k.intOp('add', this.offset.get(), ROWS_AHEAD * this.spec.bStrideBytes));
  }
}

/** The first column of the tile that the participant will probably claim next. */
export function nextColumn(
  k: KernelBuilder,
  { n, columnsPerTile }: MatmulSpec,
  { args }: MatmulParams,
  state: TileState,
): IntReg {
  const tiles = args.tilesAtOnce();
  k.intOp('max', k.intOp('divide', tiles, args.mTiles(), tiles), 1, tiles);
  const column = k.intOp('mul', tiles, columnsPerTile, tiles);
  k.advance(column, state.column.get());
  return k.intOp('min', column, n - columnsPerTile, column);
}
