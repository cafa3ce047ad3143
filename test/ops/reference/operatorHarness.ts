import assert from 'node:assert/strict';
import type { Backend, Operators, Scope, Tensor, Weight } from '../../../src/ops/operators.js';
import type { StorageDtype } from '../../../src/ops/parameter.js';
import { createReferenceBackend } from '../../../src/ops/reference/referenceBackend.js';

/** A reference backend with one scope, and short ways to fill it. */
export class OperatorHarness {
  readonly backend: Backend = createReferenceBackend();
  readonly scope: Scope = this.backend.createScope('test');

  /** A tensor with values in it, or zeros. */
  tensor(shape: readonly number[], values?: Float32Array): Tensor {
    const tensor = this.scope.tensor('x', shape, 'f32');
    if (values !== undefined) tensor.write(values);
    return tensor;
  }

  integers(values: readonly number[]): Tensor {
    const tensor = this.scope.tensor('i', [values.length], 'i32');
    tensor.write(Int32Array.from(values));
    return tensor;
  }

  /** A weight stored as f32, so that nothing is rounded. */
  weight(shape: readonly number[], values: Float32Array): Weight {
    return this.stored(shape, 'f32', new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  stored(shape: readonly number[], dtype: StorageDtype, bytes: Uint8Array): Weight {
    return this.backend.weight({ name: 'w', shape, dtype, bytes });
  }

  run(build: (ops: Operators) => void): Promise<void> {
    return this.backend.plan('test', build).run();
  }
}

/** Every element within `bound` of the expected one, relative to the largest expected magnitude. */
export function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, bound = 1e-6): void {
  assert.equal(found.length, expected.length);
  const scale = Array.from(expected).reduce((top, value) => Math.max(top, Math.abs(value)), 1e-30);
  for (let i = 0; i < found.length; i++) {
    const error = Math.abs(found[i]! - expected[i]!);
    assert.ok(error <= bound * scale, `[${i}]: found ${found[i]}, expected ${expected[i]}`);
  }
}
