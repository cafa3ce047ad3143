import assert from 'node:assert/strict';
import type { KernelCall, Memory } from '../../../src/kernels/kernel.js';
import type { EpilogueSpec } from '../../../src/kernels/matrix/epilogue.js';
import {
  type AffineBlocks,
  activationBits,
  QuantizedRows,
} from '../../../src/kernels/matrix/formats/affineBlocks.js';
import type { Random } from '../../support/random.js';
import {
  type AffineColumn,
  exactProduct,
  type RandomBlocks,
  type RowNumbers,
  randomBlocks,
  randomRows,
  rowBytes,
} from './blockOperands.js';
import { type KernelRun, type KernelTarget, runCall, widen } from './kernelHarness.js';
import {
  errorInBounds,
  noMistake,
  type ProductMistake,
  type ProductOperands,
  productElement,
  productMistakes,
} from './productReference.js';
import type { ProductCase, ProductMemory } from './productRun.js';
import { randomOperand } from './randomOperand.js';

/** Rows that are there behind the last, as many as a register tile may touch. */
const STORED_ROW_STEP = 12;
const SAMPLED_COLUMNS = 32;
const UNTOUCHED = -1232;
const UNTOUCHED_BF16 = 0xc49a;

/** A product of quantised operands: how it is quantised, and the rest of it. */
export interface BlockCase extends Omit<ProductCase, 'aDtype' | 'bDtype'> {
  readonly blocks: AffineBlocks;
}

/** Random quantised operands of a product, a kernel that computes it, and the comparison with f64. */
export class BlockRun {
  readonly what: BlockCase;
  readonly rows: QuantizedRows;
  readonly epilogue: EpilogueSpec;
  private readonly columns: readonly number[];
  private readonly arrays: {
    readonly x: Uint8Array;
    readonly weight: Uint8Array;
    readonly weight2: Uint8Array | null;
    readonly y: Float32Array | Uint16Array;
    readonly bias: Float32Array | null;
    readonly residual: Float32Array | null;
  };
  private readonly operands: ProductOperands;

  constructor(
    what: BlockCase,
    target: KernelTarget,
    random: Random,
    bits = activationBits(target.capabilities, what.blocks.bits),
  ) {
    this.what = what;
    const { blocks, m, n, depth, gap, yDtype, bias, activation, residual } = what;
    this.rows = new QuantizedRows(bits, blocks.groupSize);
    const isGated = activation === 'swiglu';
    const numbers = randomRows(random, this.rows, m, depth);
    const weights = Array.from({ length: isGated ? 2 : 1 }, () => randomBlocks(random, blocks, n, depth));
    const storedRows = Math.ceil(m / STORED_ROW_STEP) * STORED_ROW_STEP;
    const seed = random.integer(0, 1e9);
    this.arrays = {
      x: rowBytes(this.rows, numbers, storedRows),
      weight: weights[0]!.bytes,
      weight2: isGated ? weights[1]!.bytes : null,
      y: randomOperand(yDtype, m * (n + gap), 0, 0),
      bias: bias ? randomOperand('f32', n, seed) : null,
      residual: residual === 'none' ? null : randomOperand('f32', m * n, seed + 1),
    };
    const yStrideBytes = (n + gap) * (yDtype === 'bf16' ? 2 : 4);
    const residualStrideBytes = { none: 0, self: yStrideBytes, other: 4 * n }[residual];
    this.epilogue = {
      bias,
      activation,
      residual: residual !== 'none',
      yDtype,
      yStrideBytes,
      residualStrideBytes,
    };
    this.operands = operandsOf(what, numbers, weights, this.arrays);
    const some = Array.from({ length: SAMPLED_COLUMNS - 8 }, () => random.integer(0, n - 1));
    this.columns = [...new Set([0, 1, 2, 3, n - 4, n - 3, n - 2, n - 1, ...some])];
  }

  /** What specs of products have in common. */
  get spec() {
    const { blocks, n, depth } = this.what;
    return {
      aDtype: this.rows,
      bDtype: blocks,
      n,
      aStrideBytes: this.rows.rowBytes(depth),
      bStrideBytes: blocks.blockBytes(depth),
    };
  }

  check(target: KernelTarget, call: (operands: ProductMemory) => KernelCall, run: KernelRun = {}): void {
    const { x, weight, weight2, y, bias, residual } = this.arrays;
    const { m, n, gap, yDtype } = this.what;
    const isSelf = this.what.residual === 'self';
    y.fill(yDtype === 'bf16' ? UNTOUCHED_BF16 : UNTOUCHED);
    if (isSelf) {
      for (const [i, value] of residual!.entries()) y[Math.floor(i / n) * (n + gap) + (i % n)] = value;
    }
    const named = Object.entries({ x, weight, weight2, y, bias, residual: isSelf ? y : residual });
    const operands = named.flatMap(([, array]) => (array === null ? [] : [array]));
    let name = '';
    runCall(
      target,
      operands,
      (memory: readonly Memory[]) => {
        let next = 0;
        const placed = named.map(([operand, array]) => [operand, array === null ? null : memory[next++]]);
        const made = call(Object.fromEntries(placed) as ProductMemory);
        name = made.kernel.name;
        return made;
      },
      run,
    );
    const found = widen(y);
    for (let row = 0; row < m; row++) {
      const between = found.subarray(row * (n + gap) + n, (row + 1) * (n + gap));
      assert.ok(
        between.every((value) => value === UNTOUCHED),
        `${name} on ${target.name}: row ${row} goes on past its end`,
      );
    }
    const error = this.error(found, noMistake);
    assert.ok(error <= 1, `${name} on ${target.name}: ${error.toFixed(2)} times the bound`);
    for (const mistake of productMistakes.filter(({ applies }) => applies(this.operands))) {
      const mistaken = this.error(found, mistake);
      assert.ok(mistaken > 1, `${name} on ${target.name}: ${mistaken.toFixed(2)} although ${mistake.name}`);
    }
  }

  private error(y: Float32Array, mistake: ProductMistake): number {
    const { m, n, gap } = this.what;
    let worst = 0;
    for (let row = 0; row < m; row++) {
      for (const column of this.columns) {
        const element = productElement(this.operands, row, column, mistake);
        worst = Math.max(worst, errorInBounds(y[row * (n + gap) + column]!, element));
      }
    }
    return worst;
  }
}

function operandsOf(
  { blocks, n, depth, activation, yDtype }: BlockCase,
  rows: RowNumbers,
  weights: readonly RandomBlocks[],
  { bias, residual }: { readonly bias: Float32Array | null; readonly residual: Float32Array | null },
): ProductOperands {
  const known = new Map<string, ReturnType<typeof exactProduct>>();
  const columns = new Map<number, AffineColumn>();
  const columnOf = (weight: 0 | 1, column: number): AffineColumn => {
    const key = 2 * column + weight;
    const found = columns.get(key) ?? weights[weight]!.column(column);
    columns.set(key, found);
    return found;
  };
  return {
    a: Array.from({ length: rows.m }, () => new Float32Array(depth)), // for their number and length
    n,
    weightRow: () => new Float32Array(0),
    product: (row, column, weight, range) => {
      const key = `${row},${column},${weight},${range}`;
      const found = known.get(key) ?? exactProduct(blocks, rows, columnOf(weight, column), row, range);
      known.set(key, found);
      return found;
    },
    bias,
    activation,
    residual,
    yDtype,
  };
}
