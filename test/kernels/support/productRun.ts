import assert from 'node:assert/strict';
import type { ArgumentValues, KernelCall, Memory } from '../../../src/kernels/kernel.js';
import type { EpilogueSpec, PRODUCT_ARGUMENTS } from '../../../src/kernels/matrix/epilogue.js';
import type { AffineBlocks } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import type { Random } from '../../support/random.js';
import { randomBlocks, roundedColumn } from './blockOperands.js';
import { type KernelRun, type KernelTarget, runCall, widen } from './kernelHarness.js';
import { pairPanels } from './pairPanels.js';
import {
  errorInBounds,
  noMistake,
  type ProductMistake,
  type ProductOperands,
  productElement,
  productMistakes,
} from './productReference.js';
import { randomOperand } from './randomOperand.js';

export type Dtype = 'f32' | 'bf16';

/** A product to compute, apart from how it is cut into tiles. */
export interface ProductCase {
  readonly aDtype: Dtype;
  readonly bDtype: Dtype;
  /** Weights are packed, and count as what they are rounded to in bf16. */
  readonly blocks?: AffineBlocks;
  readonly yDtype: Dtype;
  readonly m: number;
  readonly n: number;
  readonly depth: number;
  readonly bias: boolean;
  readonly activation: 'none' | 'gelu' | 'swiglu';
  readonly residual: 'none' | 'self' | 'other';
  /** Unused elements between rows of A, and of y. */
  readonly gap: number;
}

/** The operands of every product, in memory. */
export type ProductMemory = ArgumentValues<typeof PRODUCT_ARGUMENTS>;

const BYTES = { f32: 4, bf16: 2 } as const;

/** Columns whose elements are compared, at most; all rows are. */
const SAMPLED_COLUMNS = 32;

/** What y holds before, and between its rows afterwards: exact in both types. */
const UNTOUCHED = -1232;
const UNTOUCHED_BF16 = 0xc49a;

/** A weight in memory, and its rows as the kernel multiplies them. */
interface RandomWeight {
  readonly stored: Float32Array | Uint16Array | Uint8Array;
  readonly row: (index: number) => Float32Array;
}

const NO_WEIGHT: RandomWeight = { stored: new Uint16Array(0), row: () => new Float32Array(0) };

/** Random operands of a product, a kernel that computes it, and the comparison with f64. */
export class ProductRun {
  readonly what: ProductCase;
  private readonly arrays: Record<'x' | 'y' | 'bias' | 'residual', Float32Array | Uint16Array> &
    Record<'weight' | 'weight2', Float32Array | Uint16Array | Uint8Array>;
  private readonly weights: readonly RandomWeight[];
  private readonly operands: ProductOperands;
  private readonly columns: readonly number[];

  constructor(what: ProductCase, random: Random) {
    this.what = what;
    const { aDtype, bDtype, blocks, yDtype, m, n, depth, gap } = what;
    const seed = random.integer(0, 1e9);
    const weightScale = 3 / Math.sqrt(depth); // results of about 1, where activations bend
    this.weights = [seed + 1, seed + 2].map((ofWeight, i): RandomWeight => {
      if (i === 1 && what.activation !== 'swiglu') return NO_WEIGHT;
      if (blocks !== undefined) {
        const { bytes, column } = randomBlocks(random, blocks, n, depth);
        return { stored: bytes, row: (index) => roundedColumn(column(index), blocks) };
      }
      const stored = randomOperand(bDtype, n * depth, ofWeight, weightScale);
      return { stored, row: (index) => widen(stored.slice(index * depth, (index + 1) * depth)) };
    });
    this.arrays = {
      x: randomOperand(aDtype, m * (depth + gap), seed),
      weight: this.weights[0]!.stored,
      weight2: this.weights[1]!.stored,
      y: randomOperand(yDtype, m * (n + gap), 0, 0),
      bias: randomOperand('f32', n, seed + 3),
      residual: randomOperand('f32', m * n, seed + 4),
    };
    this.operands = this.widened();
    const some = Array.from({ length: SAMPLED_COLUMNS - 8 }, () => random.integer(0, n - 1));
    const ends = [0, 1, 2, 3, n - 4, n - 3, n - 2, n - 1].filter((column) => column >= 0);
    this.columns =
      n <= SAMPLED_COLUMNS ? Array.from({ length: n }, (_, i) => i) : [...new Set([...ends, ...some])];
  }

  get aStrideBytes(): number {
    return (this.what.depth + this.what.gap) * BYTES[this.what.aDtype];
  }

  get bStrideBytes(): number {
    const { blocks, depth, bDtype } = this.what;
    return blocks?.blockBytes(depth) ?? depth * BYTES[bDtype];
  }

  get epilogue(): EpilogueSpec {
    const { bias, activation, residual, yDtype, n, gap } = this.what;
    const yStrideBytes = (n + gap) * BYTES[yDtype];
    const residualStrideBytes = { none: 0, self: yStrideBytes, other: 4 * n }[residual];
    return { bias, activation, residual: residual !== 'none', yDtype, yStrideBytes, residualStrideBytes };
  }

  /**
   * Runs a kernel and compares.
   *
   * @param call the product of the operands that the run has in memory
   * @param asTiles rows of A are in panels of pairs
   */
  check(
    target: KernelTarget,
    call: (operands: ProductMemory) => KernelCall,
    run: KernelRun,
    asTiles = false,
  ): void {
    const { m, depth, gap } = this.what;
    const rows = this.arrays.x;
    const x = asTiles ? pairPanels(rows as Uint16Array, m, depth, depth + gap) : rows;
    const { weight, weight2, y, bias, residual } = this.arrays;
    const self = this.what.residual === 'self';
    y.fill(this.what.yDtype === 'bf16' ? UNTOUCHED_BF16 : UNTOUCHED);
    if (self) this.writeY((row, column) => this.operands.residual![row * this.what.n + column]!);
    const has = this.what;
    const named = Object.entries({
      x,
      weight,
      weight2: has.activation === 'swiglu' ? weight2 : null,
      y,
      bias: has.bias ? bias : null,
      residual: self ? y : has.residual === 'none' ? null : residual,
    });
    const operands = named.flatMap(([, array]) => (array === null ? [] : [array]));
    let name = '';
    const makeCall = (memory: readonly Memory[]): KernelCall => {
      let next = 0;
      const placed = named.map(([operand, array]) => [operand, array === null ? null : memory[next++]]);
      const made = call(Object.fromEntries(placed) as ProductMemory);
      name = made.kernel.name;
      return made;
    };
    runCall(target, operands, makeCall, run);
    this.compare(`${name} on ${target.name}`);
  }

  private writeY(value: (row: number, column: number) => number): void {
    const { m, n, gap } = this.what;
    for (let row = 0; row < m; row++)
      for (let column = 0; column < n; column++) this.arrays.y[row * (n + gap) + column] = value(row, column);
  }

  private compare(where: string): void {
    const { m, n, gap } = this.what;
    const y = widen(this.arrays.y);
    for (let row = 0; row < m; row++) {
      const between = y.subarray(row * (n + gap) + n, (row + 1) * (n + gap));
      assert.ok(
        between.every((value) => value === UNTOUCHED),
        `${where}: row ${row} goes on past its end`,
      );
    }
    const error = this.error(y, noMistake);
    assert.ok(error <= 1, `${where}: ${error.toFixed(2)} times the bound`);
    for (const mistake of productMistakes) {
      if (!mistake.applies(this.operands)) continue;
      const mistaken = this.error(y, mistake);
      assert.ok(
        mistaken > 1,
        `${where}: within ${mistaken.toFixed(2)} of the bound although ${mistake.name}`,
      );
    }
  }

  /** The largest error of the compared elements, in units of the stated bound. */
  private error(y: Float32Array, mistake: ProductMistake): number {
    const { m, n, gap } = this.what;
    let worst = 0;
    for (const column of this.columns) {
      for (let row = 0; row < m; row++) {
        const element = productElement(this.operands, row, column, mistake);
        worst = Math.max(worst, errorInBounds(y[row * (n + gap) + column]!, element));
      }
    }
    return worst;
  }

  private widened(): ProductOperands {
    const { m, n, depth, gap, bias, activation, residual, yDtype } = this.what;
    const { x } = this.arrays;
    const rows = new Map<number, Float32Array>();
    return {
      a: Array.from({ length: m }, (_, row) =>
        widen(x.slice(row * (depth + gap), row * (depth + gap) + depth)),
      ),
      n,
      weightRow: (column, which) => {
        const key = 2 * column + which;
        const known = rows.get(key);
        if (known !== undefined) return known;
        const row = this.weights[which]!.row(column);
        rows.set(key, row);
        return row;
      },
      bias: bias ? (this.arrays.bias as Float32Array) : null,
      activation,
      residual: residual === 'none' ? null : (this.arrays.residual as Float32Array),
      yDtype,
    };
  }
}
