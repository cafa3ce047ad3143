import assert from 'node:assert/strict';
import { roundToBf16, widenBf16 } from '../../../../src/jit/numberFormats.js';
import type {
  ActivationDtype,
  Backend,
  Operators,
  Scope,
  SequenceRows,
  Tensor,
  Weight,
} from '../../../../src/ops/operators.js';
import type { StorageDtype } from '../../../../src/ops/parameter.js';
import { createReferenceBackend } from '../../../../src/ops/reference/referenceBackend.js';
import type { Random } from '../../../support/random.js';

/** Stands where nothing was written. */
const UNTOUCHED = 777;

/** One backend with a scope, and short ways to fill it. */
export class OperatorBench {
  readonly backend: Backend;
  readonly scope: Scope;
  private readonly passes: Promise<void>[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
    this.scope = backend.createScope('test');
  }

  /** A tensor with values in it, or marked as untouched. */
  tensor(shape: readonly number[], dtype: ActivationDtype, values?: Float32Array): Tensor {
    const tensor = this.scope.tensor('x', shape, dtype);
    const length = shape.reduce((product, size) => product * size, 1);
    tensor.write(values ?? new Float32Array(length).fill(UNTOUCHED));
    return tensor;
  }

  integers(values: readonly number[]): Tensor {
    const tensor = this.scope.tensor('i', [values.length], 'i32');
    tensor.write(Int32Array.from(values));
    return tensor;
  }

  /** A weight whose values are stored exactly. */
  weight(
    shape: readonly number[],
    values: Float32Array,
    dtype: StorageDtype = 'bf16',
    layout?: 'convolution',
  ): Weight {
    const stored = dtype === 'bf16' ? new Uint16Array(values.length) : values.slice();
    if (stored instanceof Uint16Array) roundToBf16(values, stored);
    const bytes = new Uint8Array(stored.buffer);
    return this.backend.weight({ name: 'w', shape, dtype, bytes }, layout);
  }

  rows(kind: SequenceRows['kind'], positions: readonly number[], sequences: readonly number[]): SequenceRows {
    const [at, of] = [this.integers(positions), this.integers(sequences)];
    return { count: positions.length, positions: at, sequences: of, kind };
  }

  /** Runs operators after those of earlier calls. */
  run(build: (ops: Operators) => void): void {
    this.passes.push(this.backend.plan('test', build).run());
  }

  async finished(): Promise<void> {
    await Promise.all(this.passes);
  }
}

/** A compiled backend beside the reference. */
export class OperatorPair {
  readonly compiled: Backend;
  private readonly reference = createReferenceBackend();
  /** Relative to the largest value of its row. */
  private readonly bound: number;

  /**
   * Operands and weights hold values that bf16 represents, so that both backends compute from the same ones. What is
   * left are the rounding of sums (f32) and of operands in between (bf16, 2⁻⁹ each), far below any mistake in shapes,
   * strides, order or dependencies, which these tests are about; the kernels' own bounds are tested with the kernels.
   */
  constructor(compiled: Backend) {
    this.compiled = compiled;
    this.bound = compiled.precision === 'bf16' ? 1.6e-2 : 2e-5;
  }

  /** Runs the same on both backends and compares the tensors that it returns, untouched elements included. */
  async agree(what: string, record: (bench: OperatorBench) => readonly Tensor[]): Promise<void> {
    const results: Float32Array[][] = [];
    let outputs: readonly Tensor[] = [];
    for (const backend of [this.reference, this.compiled]) {
      const bench = new OperatorBench(backend);
      outputs = record(bench);
      await bench.finished();
      results.push(outputs.map((tensor) => tensor.read()));
      bench.scope.release();
    }
    const [expected, found] = results as [Float32Array[], Float32Array[]];
    expected.forEach((values, i) => {
      const { shape, dtype } = outputs[i]!;
      assertRows(`${what}, result ${i}`, found[i]!, values, shape, dtype === 'i32' ? 0 : this.bound);
    });
  }

  async close(): Promise<void> {
    await this.compiled.close();
    await this.reference.close();
  }
}

function assertRows(
  what: string,
  found: Float32Array,
  expected: Float32Array,
  shape: readonly number[],
  bound: number,
): void {
  assert.equal(found.length, expected.length);
  const width =
    shape.length < 2 ? expected.length : shape.slice(1).reduce((product, size) => product * size, 1);
  for (let start = 0; start < expected.length; start += width) {
    const row = expected.subarray(start, start + width);
    const scale = row.reduce(
      (top, value) => (value === UNTOUCHED ? top : Math.max(top, Math.abs(value))),
      1e-30,
    );
    row.forEach((value, i) => {
      const error = Math.abs(found[start + i]! - value);
      const isRight = value === UNTOUCHED ? error <= 4 : error <= bound * scale;
      assert.ok(isRight, `${what}: row ${start / width} column ${i}: ${found[start + i]} for ${value}`);
    });
  }
}

/** [length] f32 in [−scale, scale) that bf16 represents. */
export function bf16Values(random: Random, length: number, scale = 1): Float32Array {
  const rounded = new Uint16Array(length);
  roundToBf16(random.floats(length, scale), rounded);
  return widenBf16(rounded);
}
