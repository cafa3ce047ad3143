import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PAD_REFLECT_TILE, padReflect } from '../../../src/kernels/audio/logMel.js';
import { Random } from '../../support/random.js';
import { runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';

interface Piece {
  readonly n: number;
  readonly first: number;
  readonly count: number;
}

const small: readonly Piece[] = [
  { n: 201, first: -200, count: 400 }, // mirrored at both ends at once
  { n: 300, first: -7, count: 64 },
  { n: 300, first: 20, count: 96 },
  { n: 300, first: 230, count: 112 },
  { n: 300, first: 300 - 96, count: 96 }, // up to the last sample
];
const large: readonly Piece[] = [
  { n: 8000, first: -200, count: 8240 },
  { n: 20_000, first: 160 * 50 - 200, count: 11_920 },
  { n: 3 * PAD_REFLECT_TILE + 5, first: -200, count: 3 * PAD_REFLECT_TILE + 304 },
  { n: 2 * PAD_REFLECT_TILE, first: 0, count: 2 * PAD_REFLECT_TILE },
];

describe('padReflect', async () => {
  for (const target of await kernelTargets()) {
    test(`reads no sample that is not there, on ${target.name}`, { skip: target.missing }, () => {
      for (const first of [-100_000, -21, 30, 100_000]) {
        const samples = new Random(1).floats(10);
        const padded = new Float32Array(16);
        runKernel(target, padReflect(), { samples, n: samples.length, first, padded, count: padded.length });
        assert.ok(
          padded.every((value) => samples.includes(value)),
          `from ${first}: ${padded}`,
        );
      }
    });

    test(`mirrors a clip at its ends, on ${target.name}`, { skip: target.missing }, () => {
      for (const { n, first, count } of target.isSlow ? small : [...small, ...large]) {
        const samples = new Random(n).floats(n);
        const padded = new Float32Array(count);
        runKernel(target, padReflect(), { samples, n, first, padded, count }, { order: 'backwards' });
        padded.forEach((value, i) => {
          const at = first + i;
          const mirrored = at < 0 ? -at : at < n ? at : 2 * (n - 1) - at;
          assert.equal(value, samples[mirrored], `${n} samples from ${first}: element ${i}`);
        });
      }
    });
  }
});
