import { ModelTensors, type UnsupportedTensor } from '../../../src/model/modelTensors.js';
import type { Parameter } from '../../../src/ops/parameter.js';

/** Tensors with names and shapes but no values, for what only looks at those. */
export function fakeTensors(
  list: Iterable<{ readonly name: string; readonly shape: readonly number[] }>,
  unsupported: readonly UnsupportedTensor[] = [],
): ModelTensors {
  const bytes = new Uint8Array(0);
  const parameters = Array.from(
    list,
    ({ name, shape }): Parameter => ({ name, shape, dtype: 'bf16', bytes }),
  );
  return new ModelTensors('dir', parameters, unsupported);
}
