import { describe, test } from 'node:test';
import { MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { rmsNorm } from '../../../src/kernels/rows/norms.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { checkNorm, type NormMistakes, type NormRow } from '../support/normRun.js';
import type { Approximate } from '../support/productReference.js';

const EPSILON = 1e-6;

function reference({ x, weight, epsilon, lanes }: NormRow, counted = x.length): Approximate[] {
  const squares = x.subarray(0, counted).reduce((sum, value) => sum + value * value, 0);
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return Array.from(x, (value, i) => {
    const y = value * scale * weight[i]!;
    return { value: y, tolerance: (x.length / lanes + 12) * 2 ** -24 * Math.abs(y) };
  });
}

const mistakes: NormMistakes = {
  'the last 16 elements do not count': (row) => reference(row, row.x.length - 16),
};

describe('rmsNorm', async () => {
  for (const target of await kernelTargets()) {
    const hidden = MODEL_SHAPES.map(({ decoder }) => decoder.hidden);
    const lengths = target.isSlow ? [32, 48] : [...hidden, 16, 48, 128, 4096];
    for (const yDtype of ['f32', 'bf16'] as const) {
      test(`stays within its bound: ${yDtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const length of lengths) {
          for (const rows of [1, 11])
            checkNorm(
              target,
              (spec, values) => rmsNorm(spec).call(values),
              { length, rows, rowsPerTile: 4, yDtype, epsilon: EPSILON },
              reference,
              mistakes,
            );
        }
      });
    }
  }
});
