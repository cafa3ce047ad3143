import type { KernelBuilder } from '../../jit/builder.js';
import type { IntOperand, IntReg } from '../../jit/ir.js';
import { ScratchVariable } from '../kernel.js';
import { type AffineBlocks, BLOCK_COLUMNS, COLUMN_ALIGNMENT } from './formats/affineBlocks.js';

/** Weights that are fetched while others are multiplied. */
export interface WeightsAhead {
  /** Before the first group of some columns. */
  beginPass(): void;
  /** Before a group's values. */
  beginGroup(): void;
  /** Fetches what will be needed in the place of the 64 bytes at this offset from the weights at hand, of this turn's blocks. */
  fetch(offset: number, turn: number): void;
  /** Behind a group's values. */
  endGroup(turn: number): void;
}

const CACHE_LINE_BYTES = 64;

/** Scratch variables from here on are used. */
const FIRST_VARIABLE = 12;

/** The weights of a tile. */
interface AheadSpec {
  readonly weight: AffineBlocks;
  /** Elements of K. */
  readonly depth: number;
}

/** What a tile begins and goes on with. */
interface AheadOperands {
  readonly scratch: IntReg;
  /** First block of the tile. */
  readonly b: IntReg;
  /** How many pairs of blocks it has. */
  readonly pairs: IntOperand;
  /** First block of what the thread is likely to multiply next. */
  readonly next: () => IntReg;
}

/** Blocks whose groups are met in turns: so many of them at once, so many times. */
export interface BlockTurns {
  readonly blocks: 1 | 2;
  readonly turns: number;
}

/**
 * Weights that pass once: those of tuning's distance ahead, in the order in which they are met, also where several blocks
 * pass in turns; behind the tile's last ones come the first of the next tile.
 */
export function streamAhead(
  k: KernelBuilder,
  { weight, depth, blocks, turns }: AheadSpec & BlockTurns,
  { scratch, b, pairs, next }: AheadOperands,
): WeightsAhead | null {
  const { tuning, registersAreVirtual } = k.capabilities;
  if (tuning.prefetchBytes === 0 || registersAreVirtual) return null;
  const { groupBytes, valueBytes } = weight;
  // Several rows leave less time to each line: from the second cache on, more of them can be on their way at once. Of
  // several streams the processor itself brings what follows to the second cache.
  const hint = turns > 1 ? 'near' : tuning.prefetchLevel === 2 || blocks === 2 ? 'second' : 'once';
  const blockBytes = weight.blockBytes(depth);
  const groups = depth / weight.groupSize;
  const bytesAhead = tuning.prefetchBytes / turns;
  const groupsAhead = Math.max(1, Math.min(Math.round(bytesAhead / groupBytes), groups));
  const variable = (index: number): ScratchVariable =>
    new ScratchVariable(k, scratch, FIRST_VARIABLE + index);
  const [turn, tileEnd, nextStart] = [variable(0), variable(1), variable(2)];
  const pairBytes = (COLUMN_ALIGNMENT / BLOCK_COLUMNS) * blockBytes;
  const end = typeof pairs === 'number' ? k.intConst(pairs * pairBytes) : k.intOp('mul', pairs, pairBytes);
  tileEnd.set(k.intOp('add', end, b, end));
  nextStart.set(next());
  const distance = k.int();
  const fetch = (offset: number, turn: number): void => {
    for (let block = turn * blocks; block < (turn + 1) * blocks; block++) {
      k.prefetch(k.at(b, block * blockBytes + offset, distance), hint);
    }
  };
  return {
    beginPass: () => {
      k.intConst(groupsAhead * groupBytes, distance);
      turn.set(k.intOp('add', b, (groups - groupsAhead) * groupBytes));
    },
    beginGroup: () => {
      // From here on, the first groups of what follows.
      k.if('eq', b, turn.get(), () => {
        k.intOp('add', b, groupsAhead * groupBytes + (turns * blocks - 1) * blockBytes, distance);
        k.if('ge', distance, tileEnd.get(), () => void nextStart.get(distance));
        k.intOp('sub', distance, b, distance);
      });
    },
    fetch,
    endGroup: (turn) => {
      for (let offset = 0; offset < groupBytes - valueBytes; offset += CACHE_LINE_BYTES) fetch(offset, turn);
    },
  };
}

/** In so many strips of a tile the next one's weights are fetched. */
const STRIPS_TO_FETCH = 12;

/**
 * Weights that pass once for each strip of rows: a part of the next tile's, to the second cache.
 *
 * @param fetched bytes of the next tile that earlier strips have fetched; zero when the tile begins
 */
export function tileAhead(
  k: KernelBuilder,
  { weight, depth, columns }: AheadSpec & { readonly columns: number },
  { fetched, next }: { readonly fetched: ScratchVariable; readonly next: () => IntReg },
): WeightsAhead {
  const { tileBytes, lines, stripBytes } = stripAhead(weight, depth, columns);
  const ahead = fetched.get();
  k.intOp('min', ahead, tileBytes - stripBytes, ahead);
  k.advance(ahead, next());
  return {
    beginPass: () => {},
    beginGroup: () => {},
    fetch: () => {},
    endGroup: () => {
      for (let line = 0; line < lines; line++) k.prefetch(k.at(ahead, line * CACHE_LINE_BYTES), 'second');
      k.advance(ahead, lines * CACHE_LINE_BYTES);
    },
  };
}

/** How much of a tile's weights `tileAhead` fetches with a strip: whole lines at each group's end. */
export function stripAhead(
  weight: AffineBlocks,
  depth: number,
  columns: number,
): { readonly tileBytes: number; readonly lines: number; readonly stripBytes: number } {
  const tileBytes = (columns / BLOCK_COLUMNS) * weight.blockBytes(depth);
  const groups = Math.ceil(columns / COLUMN_ALIGNMENT) * (depth / weight.groupSize);
  const lines = Math.ceil(tileBytes / (groups * STRIPS_TO_FETCH * CACHE_LINE_BYTES));
  return { tileBytes, lines, stripBytes: groups * lines * CACHE_LINE_BYTES };
}
