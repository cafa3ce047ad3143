import type { KernelBuilder } from '../../jit/builder.js';
import type { Address, Capabilities, IntReg, VecReg } from '../../jit/ir.js';
import { choosePolicy } from './formats/choosePolicy.js';
import { LANES_ALONG_K, OPERAND_BYTES, type OperandDtype, type ProductPolicy } from './productPolicy.js';
import type { MatmulSpec } from './productTile.js';

/** How a tile's columns of B lie in a panel, and how a strip of rows is multiplied with them. */
export interface PanelFormat {
  /** The product of a strip and the panel. */
  readonly policy: ProductPolicy;
  /** Of an element in the panel. */
  readonly elementBytes: number;
  /** A piece of K has a multiple of so many elements. */
  readonly stepElements: number;
  /** Rows of A and of B are as long as one another, so that what comes next can be fetched where A is. */
  readonly fetchesAhead: boolean;
  /** Copies `depth` elements of the tile's columns; `b` and `to` are moved. */
  write(k: KernelBuilder, b: IntReg, to: IntReg, depth: number): void;
}

type Columns = Pick<MatmulSpec, 'bStrideBytes' | 'columnsPerTile'>;

/** Columns of a widened panel that lie side by side. */
const WIDENED_COLUMNS = LANES_ALONG_K.tileColumns;

/** Vectors of columns that the register tile of a transposed panel has, at most: 24 sums, four of B and one of A fill 32. */
const TRANSPOSED_VECTORS = 4;

/**
 * B in f32, for rows in f32: widened once instead of in registers for every strip of rows, where widening takes the units
 * that multiply. Lanes run along K; a vector of every four columns in turn, so that a strip reads one stream, and no two
 * columns share cache sets.
 */
export function widenedPanel(
  capabilities: Capabilities,
  { bStrideBytes, columnsPerTile }: Columns,
): PanelFormat {
  const { lanes } = capabilities;
  const vectorBytes = OPERAND_BYTES.f32 * lanes;
  const plain = choosePolicy(capabilities, 'f32', 'f32');
  return {
    policy: {
      ...plain,
      bOffsets: () => Array.from({ length: WIDENED_COLUMNS }, (_, column) => column * vectorBytes),
      bStepBytes: WIDENED_COLUMNS * vectorBytes,
    },
    elementBytes: OPERAND_BYTES.f32,
    stepElements: plain.stepElements,
    fetchesAhead: false,
    write: (k, b, to, depth) => {
      k.loop(columnsPerTile / WIDENED_COLUMNS, () => {
        k.loop(depth / lanes, () => {
          for (let column = 0; column < WIDENED_COLUMNS; column++) {
            k.store(k.at(to, column * vectorBytes), k.load(k.at(b, column * bStrideBytes), 'bf16'));
          }
          k.advance(b, OPERAND_BYTES.bf16 * lanes);
          k.advance(to, WIDENED_COLUMNS * vectorBytes);
        });
        k.advance(b, WIDENED_COLUMNS * bStrideBytes - OPERAND_BYTES.bf16 * depth);
      });
    },
  };
}

/**
 * Transposed once, so that lanes run along the columns, an element of a row (or a pair of them) is multiplied with all of
 * them, and no sums are folded, which takes a tenth of the time of 1024 elements on units of 256 bits. A strip reads one
 * stream, and rows of A where they lie. Of pairs of bf16 for rows in bf16; in f32 for rows in f32, widened on the way.
 */
export function transposedPanel(
  { lanes, tuning }: Capabilities,
  { bStrideBytes, columnsPerTile }: Columns,
  element: OperandDtype,
): PanelFormat {
  const vectors = largestDivisor(columnsPerTile / lanes, TRANSPOSED_VECTORS);
  const vectorBytes = OPERAND_BYTES.f32 * lanes;
  const isPairs = element === 'bf16';
  const policy: ProductPolicy = {
    name: isPairs ? 'transposedPairs' : 'transposedWidened',
    aBytes: OPERAND_BYTES[element],
    stepElements: isPairs ? 2 : 1,
    stepsAtOnce: isPairs ? lanes : 2 * lanes, // as many elements as a vector of B has
    bStepBytes: vectors * vectorBytes,
    tileRows: tuning.tileRows,
    tileColumns: vectors * lanes,
    bOffsets: () => Array.from({ length: vectors }, (_, vector) => vector * vectorBytes),
    initAccumulators: LANES_ALONG_K.initAccumulators,
    loadA: (k, from) => k.broadcast(from),
    loadB: (k, from) => k.load(from),
    product: (k, accumulator, a, b) => {
      if (isPairs) k.dotPairs(accumulator, b, a);
      else k.fma(accumulator, b, a);
    },
    group: null,
    finish: (_, accumulators) => accumulators,
  };
  return {
    policy,
    elementBytes: OPERAND_BYTES[element],
    stepElements: 2 * lanes,
    fetchesAhead: true,
    write: (k, b, to, depth) => {
      const upper = isPairs ? null : k.vecBits(0xffff0000);
      k.loop(columnsPerTile / policy.tileColumns, () => {
        k.loop(depth / (2 * lanes), () => {
          for (let vector = 0; vector < vectors; vector++) {
            const rows = Array.from({ length: lanes }, (_, row) =>
              k.load(k.at(b, (vector * lanes + row) * bStrideBytes)),
            );
            k.transpose(rows);
            rows.forEach((row, pair) => {
              const step = (at: number): Address => k.at(to, at * policy.bStepBytes + vector * vectorBytes);
              if (upper === null) {
                k.store(step(pair), row);
              } else {
                k.store(step(2 * pair), k.shift('left', row, 16));
                k.store(step(2 * pair + 1), k.vecOp('and', row, upper, row));
              }
            });
          }
          k.advance(b, vectorBytes);
          k.advance(to, (isPairs ? 1 : 2) * lanes * policy.bStepBytes);
        });
        k.advance(b, policy.tileColumns * bStrideBytes - OPERAND_BYTES.bf16 * depth);
      });
    },
  };
}

/** Columns of the register tile of a panel of matrices: 24 sums of 2 × 2, four registers of B and one of A. */
const MATRIX_COLUMNS = 8;
const MATRIX_ROWS = 12;

/**
 * B as matrices of 2 columns by 4 of K, for rows in twos: an instruction makes twice as many products (`bfmmla`). Rows of A
 * are put together likewise, a strip at a time.
 */
export function matrixPanel({ lanes }: Capabilities, { bStrideBytes, columnsPerTile }: Columns): PanelFormat {
  const vectorBytes = OPERAND_BYTES.f32 * lanes;
  const registers = MATRIX_COLUMNS / 2;
  const policy: ProductPolicy = {
    name: 'matrixPairs',
    aBytes: 2 * OPERAND_BYTES.bf16, // of both rows
    stepElements: lanes,
    bStepBytes: registers * vectorBytes,
    tileRows: MATRIX_ROWS,
    rowsTogether: 2,
    tileColumns: MATRIX_COLUMNS,
    bOffsets: () => Array.from({ length: registers }, (_, register) => register * vectorBytes),
    initAccumulators: LANES_ALONG_K.initAccumulators,
    loadA: (k, from) => k.load(from),
    loadB: (k, from) => k.load(from),
    product: (k, accumulator, a, b) => k.matrixPairs(accumulator, a as VecReg, b),
    group: null,
    finish: (k, [a, b, c, d]) =>
      (['low', 'high'] as const).flatMap((half) => [
        k.interleave(half, 64, a!, b!),
        k.interleave(half, 64, c!, d!),
      ]),
  };
  return {
    policy,
    elementBytes: OPERAND_BYTES.bf16,
    stepElements: 2 * lanes,
    fetchesAhead: false,
    write: (k, b, to, depth) => {
      k.loop(columnsPerTile / MATRIX_COLUMNS, () => {
        k.loop(depth / (2 * lanes), () => {
          for (let register = 0; register < registers; register++) {
            const first = k.at(b, 2 * register * bStrideBytes);
            const second = k.at(b, (2 * register + 1) * bStrideBytes);
            const stepBytes = policy.bStepBytes;
            joinRows(
              k,
              [first, second],
              [0, stepBytes].map((step) => k.at(to, step + register * vectorBytes)),
            );
          }
          k.advance(b, vectorBytes);
          k.advance(to, 2 * policy.bStepBytes);
        });
        k.advance(b, MATRIX_COLUMNS * bStrideBytes - OPERAND_BYTES.bf16 * depth);
      });
    },
  };
}

/** 2·lanes bf16 of two rows as matrices of 2 rows by 4 of K, to two places. */
export function joinRows(
  k: KernelBuilder,
  [first, second]: readonly [Address, Address],
  to: readonly Address[],
): void {
  const [a, b] = [k.load(first), k.load(second)];
  k.store(to[0]!, k.interleave('low', 64, a, b));
  k.store(to[1]!, k.interleave('high', 64, a, b, a));
}

function largestDivisor(n: number, most: number): number {
  let divisor = most;
  while (n % divisor !== 0) divisor--;
  return divisor;
}
