import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Capabilities } from '../../../src/jit/ir.js';
import { isaFeatures, x64Capabilities } from '../../../src/jit/x64/features.js';
import { defineKernel } from '../../../src/kernels/kernel.js';
import { convolvesIntegers, dotTile, type ProductPolicy } from '../../../src/kernels/matrix/productPolicy.js';
import { Random } from '../../support/random.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

const GROUP = 8;
const DEPTH = 3 * GROUP;

/** A format of the kind that quantised weights have: lanes along N in two vectors, and scales behind each group of K. */
function groupedPolicy({ lanes }: Capabilities): ProductPolicy {
  return {
    name: 'grouped',
    aBytes: 4,
    stepElements: 1,
    bStepBytes: 8 * lanes,
    tileRows: 2,
    tileColumns: 2 * lanes,
    bOffsets: () => [0, 4 * lanes],
    initAccumulators: (k, count) => Array.from({ length: count }, () => k.vecConst(0)),
    loadA: (k, from) => k.broadcast(from),
    loadB: (k, from) => k.load(from),
    product: (k, accumulator, a, b) => k.fma(accumulator, b, a),
    group: {
      depth: GROUP,
      aBytes: 4,
      bBytes: 8 * lanes,
      end: (k, { accumulators, sums, a }, b) => {
        const rowScale = k.broadcast(a);
        accumulators.forEach((accumulator, vector) => {
          k.mul(accumulator, rowScale, accumulator);
          k.fma(sums[vector]!, accumulator, k.at(b.base, b.offset + 4 * lanes * vector));
        });
      },
    },
    finish: (_k, sums) => sums,
  };
}

/** Rows of A in turn, each group followed by one scale; B in blocks of columns, each group followed by theirs. */
function withScales(random: Random, width: number): Float32Array {
  return random.floats((DEPTH / GROUP) * (GROUP + 1) * width);
}

test('convolutions are products of integers where bytes are multiplied, unless matrices of bf16 are', () => {
  for (const name of ['avx2', 'avx2+avxvnni', 'avx512f', 'avx512f+vnni', 'avx512bf16']) {
    assert.ok(convolvesIntegers(x64Capabilities(isaFeatures(name)!)), name);
  }
  const wide = x64Capabilities('avx512bf16');
  assert.ok(!convolvesIntegers({ ...wide, pairMatrix: true }));
  assert.ok(!convolvesIntegers(x64Capabilities('amx')));
  assert.ok(!convolvesIntegers({ ...wide, byteDot: false, smallByteDot: false }), 'words take twice as long');
});

describe('dotTile', async () => {
  for (const target of await kernelTargets()) {
    test(`multiplies packed columns with scales by group, on ${target.name}`, {
      skip: target.missing,
    }, () => {
      const policy = groupedPolicy(target.capabilities);
      const { tileRows: rows, tileColumns: columns } = policy;
      const random = new Random(7);
      const x = Array.from({ length: rows }, () => withScales(random, 1));
      const weight = withScales(random, columns);
      const y = new Float32Array(rows * columns);
      const kernel = defineKernel({
        name: 'grouped',
        args: { x0: 'reads', x1: 'reads', weight: 'reads', y: 'writes' },
        tiles: () => 1,
        emit: (k, { args }) => {
          const a = [args.x0(), args.x1()];
          const b = args.weight();
          const to = args.y();
          const operands = { a, b, bStrideBytes: 0, depth: DEPTH, aOffsetBytes: 0 };
          // Twice, because b has to be where it was.
          for (const sums of [dotTile(k, policy, operands), dotTile(k, policy, operands)])
            sums.flat().forEach((sum, i) => {
              k.store(k.at(to, 4 * k.lanes * i), sum);
            });
        },
      });
      runKernel(target, kernel, { x0: x[0]!, x1: x[1]!, weight, y });
      for (const [row, a] of x.entries()) {
        for (let column = 0; column < columns; column++) {
          let expected = 0;
          for (let group = 0; group < DEPTH / GROUP; group++) {
            const first = group * (GROUP + 1);
            let sum = 0;
            for (let i = 0; i < GROUP; i++) sum += a[first + i]! * weight[(first + i) * columns + column]!;
            expected += sum * a[first + GROUP]! * weight[(first + GROUP) * columns + column]!;
          }
          const error = Math.abs(y[row * columns + column]! - expected);
          assert.ok(error < 1e-5, `row ${row}, column ${column}: ${error} off`);
        }
      }
    });
  }
});
