import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { windowAttention } from '../../../src/kernels/attention/windowAttention.js';
import { Random } from '../../support/random.js';
import {
  type AttentionMistake,
  attentionError,
  attentionMistakes,
  attentionReference,
  f32Rounding,
  noMistake,
  pairedRounding,
} from '../support/attentionReference.js';
import { asOperand, type KernelRun, type KernelTarget, runKernel, widen } from '../support/kernelHarness.js';
import { slowPairTargets, tileTargets } from '../support/kernelTargets.js';

interface Size {
  readonly dtype: 'f32' | 'bf16';
  readonly heads: number;
  readonly headDim: number;
  readonly windowTokens: number;
  readonly tokens: number;
}

type Operand = Float32Array | Uint16Array;

/** Random q, k and v, each [tokens, heads·headDim], k and v side by side in one array as a fused projection leaves them. */
class WindowRun {
  readonly size: Size;
  readonly q: Operand;
  readonly kv: Operand;
  readonly y: Operand;

  constructor(size: Size, seed: number) {
    this.size = size;
    const random = new Random(seed);
    const length = size.tokens * size.heads * size.headDim;
    this.q = asOperand(size.dtype, random.floats(length, 3));
    this.kv = asOperand(size.dtype, random.floats(2 * length));
    this.y = asOperand(size.dtype, new Float32Array(length));
  }

  run(target: KernelTarget, run: KernelRun = {}): void {
    const { dtype, heads, headDim, windowTokens, tokens } = this.size;
    const rowBytes = heads * headDim * (dtype === 'bf16' ? 2 : 4);
    const strides = { qStrideBytes: rowBytes, kStrideBytes: 2 * rowBytes, vStrideBytes: 2 * rowBytes };
    const spec = { dtype, heads, headDim, windowTokens, ...strides, yStrideBytes: rowBytes };
    const v = { array: this.kv, offsetBytes: rowBytes };
    runKernel(target, windowAttention(spec), { q: this.q, k: this.kv, v, y: this.y, tokens }, run);
  }

  /** The largest error in units of the stated bound, if the kernel had been meant to make a mistake. */
  error(mistake: AttentionMistake): number {
    const { dtype, heads, headDim, windowTokens, tokens } = this.size;
    const rounding = dtype === 'bf16' ? pairedRounding : f32Rounding;
    const width = heads * headDim;
    const scale = (mistake.scale ?? 1) / Math.sqrt(headDim);
    const [q, kv, y] = [widen(this.q), widen(this.kv), widen(this.y)];
    let worst = 0;
    for (let row = 0; row < tokens; row++) {
      const start = row - (row % windowTokens);
      const first = mistake.firstKey?.(start) ?? start;
      const windowEnd = Math.min(start + windowTokens, tokens);
      const end = Math.min(mistake.endKey?.(windowEnd) ?? windowEnd, tokens);
      for (let head = 0; head < heads; head++) {
        const column = head * headDim;
        const part = (array: Float32Array, at: number): Float32Array => array.subarray(at, at + headDim);
        const rows = Array.from({ length: end - first }, (_, j) => 2 * width * (first + j) + column);
        const seen = {
          query: part(q, row * width + column),
          keys: rows.map((at) => part(kv, at)),
          values: rows.map((at) => part(kv, at + width)),
        };
        const found = part(y, row * width + column);
        worst = Math.max(worst, attentionError(found, attentionReference(seen, rounding, scale)));
      }
    }
    return worst;
  }
}

const published: readonly Omit<Size, 'dtype'>[] = [
  ...[1, 5, 103, 104, 105, 143, 150, 208].map((tokens) => ({
    heads: 2,
    headDim: 64,
    windowTokens: 104,
    tokens,
  })),
  { heads: 14, headDim: 64, windowTokens: 104, tokens: 143 },
  { heads: 16, headDim: 64, windowTokens: 104, tokens: 110 },
];
const small: readonly Omit<Size, 'dtype'>[] = [
  { heads: 2, headDim: 32, windowTokens: 40, tokens: 43 },
  { heads: 1, headDim: 64, windowTokens: 104, tokens: 105 },
];
/** Windows larger than a block of keys, and head sizes of other models. */
const unusual: readonly Omit<Size, 'dtype'>[] = [
  { heads: 3, headDim: 96, windowTokens: 300, tokens: 401 },
  { heads: 1, headDim: 256, windowTokens: 127, tokens: 130 },
  { heads: 5, headDim: 32, windowTokens: 7, tokens: 50 },
];

describe('windowAttention', async () => {
  for (const target of [...(await tileTargets()), ...(await slowPairTargets())]) {
    const dtypes = target.capabilities.pairDot ? (['f32', 'bf16'] as const) : (['f32'] as const);
    const sizes = target.isSlow ? small : [...published, ...unusual];
    for (const dtype of dtypes) {
      test(`stays within its bound: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        sizes.forEach((size, seed) => {
          const run = new WindowRun({ dtype, ...size }, seed);
          run.run(target);
          const error = run.error(noMistake);
          assert.ok(error <= 1, `${JSON.stringify(size)}: ${error.toFixed(2)} times the bound`);
        });
      });

      test(`has a bound that tells mistakes: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const run = new WindowRun({ dtype, heads: 1, headDim: 64, windowTokens: 104, tokens: 150 }, 1);
        run.run(target);
        for (const mistake of attentionMistakes)
          assert.ok(
            run.error(mistake) > 2,
            `${mistake.name}: ${run.error(mistake).toFixed(2)} times the bound`,
          );
      });

      test(`does not hide NaN: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        const size = { dtype, heads: 2, headDim: 32, windowTokens: 40, tokens: 90 };
        const nan = asOperand(dtype, Float32Array.of(Number.NaN))[0]!;
        const width = size.heads * size.headDim;
        for (const at of [7, width + 7]) {
          const run = new WindowRun(size, 3);
          run.kv[2 * width * 50 + at] = nan; // row 50: the second window; a key or a value of head 0
          run.run(target);
          const y = widen(run.y);
          for (let row = 0; row < size.tokens; row++) {
            const isInWindow = row >= 40 && row < 80;
            assert.equal(Number.isNaN(y[row * width + 7]!), isInWindow, `row ${row}`);
            assert.ok(!Number.isNaN(y[row * width + size.headDim]!), `row ${row}, the other head`);
          }
        }
        const run = new WindowRun(size, 3);
        run.q[width * 50 + 7] = nan;
        run.run(target);
        widen(run.y).forEach((value, i) => {
          const isOfQuery = i >= width * 50 && i < width * 50 + size.headDim;
          assert.equal(Number.isNaN(value), isOfQuery, `element ${i}`);
        });
      });
    }

    test(`gives the same bits in any order: ${target.name}`, { skip: target.missing }, () => {
      const size = { dtype: dtypes.at(-1)!, heads: 2, headDim: 32, windowTokens: 40, tokens: 90 };
      const forwards = new WindowRun(size, 4);
      const backwards = new WindowRun(size, 4);
      forwards.run(target);
      backwards.run(target, { order: 'backwards' });
      assert.deepEqual(backwards.y, forwards.y);
    });
  }
});
