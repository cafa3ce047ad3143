import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectArm64Features, multipliesPairs } from '../../src/runtime/processor.js';

/** Types and bits of Linux's linux/auxvec.h and asm/hwcap.h on arm64. */
const AT = { end: 0n, pageSize: 6n, hwcap: 16n, hwcap2: 26n };
const HWCAP = { asimd: 1n << 1n, atomics: 1n << 8n, dotprod: 1n << 20n };
const HWCAP2 = { i8mm: 1n << 13n, bf16: 1n << 14n };

/** What is read from /proc/self/auxv: a piece of a larger buffer, as node:fs may give it. */
function auxiliaryVector(...pairs: readonly (readonly [bigint, bigint])[]): Buffer {
  const words = BigUint64Array.from([...pairs, [AT.end, 0n] as const].flat());
  const bytes = Buffer.alloc(words.byteLength + 8, 0xff);
  bytes.set(new Uint8Array(words.buffer), 8);
  return bytes.subarray(8);
}

test('features of arm64 are the bits that Linux gives', () => {
  const none = { lse: false, dotprod: false, bf16: false, i8mm: false };
  const detect = (hwcap: bigint, hwcap2: bigint): unknown =>
    detectArm64Features(auxiliaryVector([AT.pageSize, 65536n], [AT.hwcap, hwcap], [AT.hwcap2, hwcap2]));
  assert.deepEqual(detect(HWCAP.asimd, 0n), none);
  assert.deepEqual(detect(HWCAP.asimd | HWCAP.atomics, 0n), { ...none, lse: true });
  assert.deepEqual(detect(HWCAP.dotprod, HWCAP2.bf16), { ...none, dotprod: true, bf16: true });
  assert.deepEqual(detect(0n, HWCAP2.i8mm), { ...none, i8mm: true });
  assert.deepEqual(detectArm64Features(auxiliaryVector([AT.hwcap, HWCAP.atomics])), { ...none, lse: true });
  assert.deepEqual(detectArm64Features(new Uint8Array()), none);
});

test('pairs of bf16 are multiplied where there is an instruction for it', () => {
  assert.ok(multipliesPairs('avx512bf16') && multipliesPairs('neon+bf16'));
  assert.ok(!multipliesPairs('avx512f') && !multipliesPairs('neon+lse') && !multipliesPairs('wasm'));
});
