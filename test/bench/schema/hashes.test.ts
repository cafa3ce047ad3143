import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { hashSamples } from '../../../src/bench/environment/provenance.js';
import { hashMachine, hashTokens } from '../../../src/bench/schema/machineRecord.js';
import { MACHINE } from '../support/sampleResults.js';

test('token ids are hashed as decimal numbers with commas', () => {
  // printf '' | sha256sum; printf '1,23,4' | sha256sum
  assert.equal(hashTokens([]), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(hashTokens([1, 23, 4]), createHash('sha256').update('1,23,4').digest('hex'));
  assert.notEqual(hashTokens([12, 3, 4]), hashTokens([1, 23, 4]));
});

test('samples are hashed as little-endian f32, wherever they lie in their buffer', () => {
  const bytes = Buffer.from('0000803f000000bf', 'hex'); // 1 and -0.5
  const expected = createHash('sha256').update(bytes).digest('hex');
  assert.equal(hashSamples(Float32Array.of(1, -0.5)), expected);
  assert.equal(hashSamples(Float32Array.of(7, 1, -0.5, 7).subarray(1, 3)), expected);
});

test('a machine stays the same when its software is updated, and not when its hardware is', () => {
  const { hash } = MACHINE;
  assert.equal(hashMachine({ ...MACHINE, node: 'v24', kernel: '7', osName: 'x', caches: null }), hash);
  assert.equal(hashMachine({ ...MACHINE, isa: [...MACHINE.isa].reverse() }), hash);
  // A kernel that keeps some megabytes more to itself.
  assert.equal(hashMachine({ ...MACHINE, memoryBytes: MACHINE.memoryBytes - 40e6 }), hash);
  for (const change of [
    { cpuModel: 'x' },
    { physicalCores: 2 },
    { logicalCpus: 2 },
    { isa: ['avx2'] },
    { memoryBytes: 2 ** 34 },
    { architecture: 'arm64' },
    { platform: 'darwin' },
  ]) {
    assert.notEqual(hashMachine({ ...MACHINE, ...change }), hash, JSON.stringify(change));
  }
});
