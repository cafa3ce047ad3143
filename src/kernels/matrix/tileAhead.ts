import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg } from '../../jit/ir.js';
import { nextColumn } from './columnsAhead.js';
import { AffineBlocks, BLOCK_COLUMNS } from './formats/affineBlocks.js';
import { PAIR_STEP } from './packPairs.js';
import type { MatmulParams, MatmulSpec, TileState } from './productTile.js';
import { TWO_TILES } from './tileBlock.js';

const CACHE_LINE_BYTES = 64;

/** In so many strips of a tile the next one's weights are fetched. */
const STRIPS_TO_FETCH = 4;

/**
 * The weights of the tile that the participant will probably claim next, brought to the second cache while products of
 * tiles are computed: in the order of memory, a part with every strip of rows, of which each step takes some lines.
 */
export class TileAhead {
  private readonly k: KernelBuilder;
  private readonly spec: MatmulSpec;
  private readonly params: MatmulParams;
  private readonly state: TileState;
  /** Bytes of a weight that a tile reads. */
  private readonly tileBytes: number;
  /** Lines of a step, and bytes of a strip. */
  private readonly lines: number;
  private readonly stripBytes: number;

  constructor(k: KernelBuilder, spec: MatmulSpec, params: MatmulParams, state: TileState) {
    this.k = k;
    this.spec = spec;
    this.params = params;
    this.state = state;
    const { columnsPerTile, segmentDepth } = spec;
    this.tileBytes = (columnsPerTile / rowsAtOnce(spec)) * spec.bStrideBytes;
    const steps = (segmentDepth / PAIR_STEP) * Math.ceil(columnsPerTile / TWO_TILES);
    this.lines = Math.ceil(this.tileBytes / (STRIPS_TO_FETCH * steps * CACHE_LINE_BYTES));
    this.stripBytes = steps * this.lines * CACHE_LINE_BYTES;
  }

  /** Where this strip begins to fetch. */
  begin(weight: () => IntReg): IntReg {
    const { k, spec, tileBytes, stripBytes } = this;
    const next = nextColumn(k, spec, this.params, this.state);
    if (rowsAtOnce(spec) > 1) k.intOp('divide', next, rowsAtOnce(spec), next);
    k.intOp('mul', next, spec.bStrideBytes, next);
    k.advance(next, weight());
    k.advance(next, k.intOp('min', this.state.fetched.get(), Math.max(0, tileBytes - stripBytes)));
    return next;
  }

  /** Fetches the lines of a step. @param next moved */
  fetch(next: IntReg): void {
    const { k, lines } = this;
    for (let line = 0; line < lines; line++) k.prefetch(k.at(next, line * CACHE_LINE_BYTES), 'second');
    k.advance(next, lines * CACHE_LINE_BYTES);
  }

  /** On to the next strip. */
  advance(): void {
    const { fetched } = this.state;
    fetched.set(this.k.intOp('add', fetched.get(), this.stripBytes));
  }
}

/** Rows of a weight that lie together. */
function rowsAtOnce({ bDtype }: MatmulSpec): number {
  return bDtype instanceof AffineBlocks ? BLOCK_COLUMNS : 1;
}
