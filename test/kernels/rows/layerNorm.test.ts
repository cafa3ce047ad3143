import { describe, test } from 'node:test';
import { MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { layerNorm } from '../../../src/kernels/rows/norms.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { checkNorm, type NormMistakes, type NormRow } from '../support/normRun.js';
import type { Approximate } from '../support/productReference.js';

const EPSILON = 1e-5;

/** What the mean and the variance are divided by, and over how many elements they go. */
interface Variant {
  readonly counted?: number;
  readonly degreesOfFreedom?: number;
  /** Instead of the rows' own. */
  readonly mean?: number;
}

function reference({ x, weight, bias, epsilon, lanes }: NormRow, variant: Variant = {}): Approximate[] {
  const n = x.length;
  const counted = x.subarray(0, variant.counted ?? n);
  const mean = variant.mean ?? counted.reduce((sum, value) => sum + value, 0) / n;
  const squares = counted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const scale = 1 / Math.sqrt(squares / (variant.degreesOfFreedom ?? n) + epsilon);
  const furthest = x.reduce((most, value) => Math.max(most, Math.abs(value - mean)), 0);
  const size = x.reduce((sum, value) => sum + Math.abs(value), 0) / n;
  return Array.from(x, (value, i) => {
    const magnitude = (furthest + size) * scale * Math.abs(weight[i]!) + Math.abs(bias[i]!);
    return {
      value: (value - mean) * scale * weight[i]! + bias[i]!,
      tolerance: (n / lanes + 12) * 2 ** -24 * magnitude,
    };
  });
}

const mistakes: NormMistakes = {
  'the last 16 elements do not count': (row) => reference(row, { counted: row.x.length - 16 }),
  'the variance is that of a sample': (row) => reference(row, { degreesOfFreedom: row.x.length - 1 }),
  'the bias is off by one': (row) => ({ ...row, bias: Float32Array.of(...row.bias.subarray(1), 0) }),
  'the mean stays': (row) => reference(row, { mean: 0 }),
};

/** Those that show through the rounding of bf16. */
const { 'the variance is that of a sample': _, ...roughMistakes } = mistakes;

describe('layerNorm', async () => {
  for (const target of await kernelTargets()) {
    const dModels = MODEL_SHAPES.map(({ encoder }) => encoder.dModel);
    const lengths = target.isSlow ? [32, 48] : [...dModels, 16, 48, 192, 4096];
    for (const yDtype of ['f32', 'bf16'] as const) {
      test(`stays within its bound: ${yDtype} on ${target.name}`, { skip: target.missing }, () => {
        for (const length of lengths) {
          const known: NormMistakes = yDtype === 'f32' ? mistakes : roughMistakes;
          for (const rows of [1, 11])
            checkNorm(
              target,
              (spec, values) => layerNorm(spec).call(values),
              { length, rows, rowsPerTile: 4, yDtype, epsilon: EPSILON },
              reference,
              known,
            );
        }
      });
    }
  }
});
