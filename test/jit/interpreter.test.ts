import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import { KernelBuilder } from '../../src/jit/builder.js';
import { interpret } from '../../src/jit/interpreter.js';
import type { Capabilities, Instruction, IntReg, KernelCode, VecReg } from '../../src/jit/ir.js';
import { f32Bits } from '../../src/jit/numberFormats.js';
import { wasmCapabilities } from '../../src/jit/wasm/webAssembly.js';
import { checkRandomKernels, type KernelTarget } from './support/checkRandomKernels.js';

const capabilities: Capabilities = { ...wasmCapabilities(), pairDot: true, byteDot: true };

/** Runs a kernel over memory that starts with these f32 values; returns all of it as f32. */
function runOnFloats(
  values: readonly number[],
  write: (k: KernelBuilder, memory: IntReg) => void,
): Float32Array {
  const k = new KernelBuilder('example', capabilities);
  write(k, k.param());
  const memory = new Float32Array(64);
  memory.set(values);
  interpret(k.finish(), memory.buffer, [0]);
  return memory;
}

function failsWith(pattern: RegExp, write: (k: KernelBuilder, memory: IntReg) => void): void {
  assert.throws(
    () => runOnFloats([], write),
    (error) =>
      error instanceof QwenAsrError &&
      error.code === 'internal' &&
      /example/.test(error.message) &&
      pattern.test(error.message),
  );
}

test('adds two vectors lane by lane and rounds to f32', () => {
  const memory = runOnFloats([1, 2, 3, 2 ** 24, 10, 20, 30, 1], (k, p) => {
    k.store(k.at(p, 32), k.add(k.load(k.at(p)), k.at(p, 16)));
  });
  assert.deepEqual([...memory.subarray(8, 12)], [11, 22, 33, 2 ** 24]); // 2^24 + 1 is a tie: to even
});

test('loop reads its count once and skips counts of 0 and less', () => {
  const memory = new Int32Array(4);
  const k = new KernelBuilder('loops', capabilities);
  const [p, n] = [k.param(), k.param()];
  k.loop(n, () => {
    k.atomicAdd(k.at(p), 1);
    k.intConst(1, n);
  });
  const code = k.finish();
  for (const [count, expected] of [
    [5, 5],
    [0, 0],
    [-3, 0],
  ] as const) {
    memory.fill(0);
    interpret(code, memory.buffer, [0, count]);
    assert.equal(memory[0], expected);
  }
});

test('integer operations', () => {
  const memory = new Int32Array(16);
  const k = new KernelBuilder('ints', capabilities);
  const [p, a, b] = [k.param(), k.param(), k.param()];
  const results = [
    k.intOp('add', a, b),
    k.intOp('sub', a, 100),
    k.intOp('mul', a, b),
    k.intOp('and', k.intOp('sub', a, 100), 0xff),
    k.intOp('min', a, b),
    k.intOp('max', a, b),
    k.intOp('shiftLeft', a, 3),
    k.intOp('shiftRight', k.intOp('sub', a, 100), 1),
    k.intOp('divide', a, b),
    k.intOp('remainder', a, b),
  ];
  results.forEach((result, i) => {
    k.intStore(k.at(p, 4 * i), result, 'i32');
  });
  interpret(k.finish(), memory.buffer, [0, 17, 5]);
  assert.deepEqual([...memory.subarray(0, 10)], [22, -83, 85, 0xad, 5, 17, 136, -42, 3, 2]);
});

test('raw movement keeps the bits of signalling NaNs', () => {
  const memory = new Uint32Array(16);
  const bits = [0x7f800001, 0xffbfffff, 0x80000000, 0x00000001];
  memory.set(bits);
  const k = new KernelBuilder('moves', capabilities);
  const p = k.param();
  const v = k.load(k.at(p));
  k.store(k.at(p, 16), k.select('gt', v, v, v, k.vecMove(k.vec(), v)));
  k.store(k.at(p, 32), k.max(k.vecConst(0), v)); // NaN or not greater: the second operand
  interpret(k.finish(), memory.buffer, [0]);
  assert.deepEqual([...memory.subarray(4, 8)], bits);
  assert.deepEqual([...memory.subarray(8, 11)], bits.slice(0, 3));
});

test('widening: bf16 is the upper half, f16 covers subnormals and infinity', () => {
  const memory = new DataView(new ArrayBuffer(128));
  [0x3f80, 0xc040, 0x0001, 0x7f80].forEach((bits, i) => {
    memory.setUint16(2 * i, bits, true);
  });
  [0x3c00, 0xc200, 0x0001, 0xfc00].forEach((bits, i) => {
    memory.setUint16(16 + 2 * i, bits, true);
  });
  const k = new KernelBuilder('widen', capabilities);
  const p = k.param();
  k.store(k.at(p, 48), k.load(k.at(p), 'bf16'));
  k.store(k.at(p, 64), k.load(k.at(p, 16), 'f16'));
  interpret(k.finish(), memory.buffer, [0]);
  assert.deepEqual(
    [...new Float32Array(memory.buffer, 48, 8)],
    [1, -3, 2 ** -133, Infinity, 1, -3, 2 ** -24, -Infinity],
  );
});

test('a pair of vectors: 2·lanes bf16 in a row, the first half in the first', () => {
  const memory = new DataView(new ArrayBuffer(64));
  [0x3f80, 0xc040, 0x0001, 0x7f80, 0x4000, 0x0000, 0xbf80, 0x3f00].forEach((bits, i) => {
    memory.setUint16(2 * i, bits, true);
  });
  const k = new KernelBuilder('pair', capabilities);
  const p = k.param();
  const [low, high] = k.loadPair(k.at(p));
  k.store(k.at(p, 16), low);
  k.store(k.at(p, 32), high);
  interpret(k.finish(), memory.buffer, [0]);
  assert.deepEqual([...new Float32Array(memory.buffer, 16, 8)], [1, -3, 2 ** -133, Infinity, 2, 0, -1, 0.5]);
});

test('narrowing to bf16 rounds to nearest, ties to even, and keeps NaN', () => {
  const cases = [
    [0x3f800000, 0x3f80],
    [0x3f808000, 0x3f80], // a tie, to the even lower
    [0x3f818000, 0x3f82], // a tie, to the even upper
    [0x3f808001, 0x3f81],
    [0xbf807fff, 0xbf80],
    [0x7f7fffff, 0x7f80], // the largest f32 rounds to infinity
    [0x7f800001, 0x7fc0], // a NaN whose payload would be lost
    [0xffffffff, 0xffff], // a NaN that rounding up would carry to +0
  ] as const;
  const memory = new Uint32Array(16);
  memory.set(cases.map(([bits]) => bits));
  const k = new KernelBuilder('narrow', capabilities);
  const p = k.param();
  for (const half of [0, 1]) k.store(k.at(p, 32 + 8 * half), k.load(k.at(p, 16 * half)), 'bf16');
  interpret(k.finish(), memory.buffer, [0]);
  assert.deepEqual(
    [...new Uint16Array(memory.buffer, 32, 8)],
    cases.map(([, expected]) => expected),
  );
});

test('toI32 rounds ties to even; fromI32 is signed', () => {
  const memory = runOnFloats([0.5, 1.5, -2.5, -0.25, 3.49, -3.5, 8388609, -2147483520], (k, p) => {
    for (const at of [0, 16])
      k.store(k.at(p, 32 + at), k.unary('fromI32', k.unary('toI32', k.load(k.at(p, at)))));
  });
  assert.deepEqual([...memory.subarray(8, 16)], [0, 2, -2, 0, 3, -4, 8388609, -2147483520]);
});

test('reductions, selection and dot products', () => {
  const memory = runOnFloats([1, 2, 3, 4, 10, 20, 30, 40], (k, p) => {
    const [a, b] = [k.load(k.at(p)), k.load(k.at(p, 16))];
    k.store(k.at(p, 32), k.reduce('add', a));
    k.store(k.at(p, 48), k.reduce('max', b));
    k.store(k.at(p, 64), k.reduce4([a, b, a, b]));
    const d = k.vecConst([1, 0, 0, 0]);
    k.fma(d, a, b);
    k.store(k.at(p, 80), d);
    const pairs = k.vecConst(5);
    k.dotPairs(pairs, k.vecBits(0x40004040), k.vecBits(0x3f80c000)); // (3, 2) · (−2, 1)
    k.store(k.at(p, 96), pairs);
    const bytes = k.vecBits(7);
    k.dotBytes(bytes, k.vecBits(0xff010203), k.vecBits(0x80ff0102)); // 3·2 + 2·1 + 1·−1 + 255·−128
    k.store(k.at(p, 112), k.unary('fromI32', bytes));
    k.storeLow(k.at(p, 128), k.select('gt', b, k.vecConst(25), a, b), 4);
    k.storeLow(k.at(p, 144), k.shift('right', k.vecBits(0x80000000), 1), 1);
  });
  const at = (byte: number): number[] => [...memory.subarray(byte / 4, byte / 4 + 4)];
  assert.deepEqual(at(32), [10, 10, 10, 10]);
  assert.deepEqual(at(48), [40, 40, 40, 40]);
  assert.deepEqual(at(64), [10, 100, 10, 100]);
  assert.deepEqual(at(80), [11, 40, 90, 160]);
  assert.deepEqual(at(96), [1, 1, 1, 1]);
  assert.deepEqual(at(112), [-32626, -32626, -32626, -32626]);
  assert.deepEqual(at(128), [10, 20, 3, 4]);
  assert.deepEqual(at(144), [2, 0, 0, 0]); // 0x40000000 is 2
});

test('an element of memory is the same 32 bits for every lane', () => {
  const memory = runOnFloats([1, 2, 3, 4, 10, 20, 30, 40], (k, p) => {
    const a = k.load(k.at(p));
    k.store(k.at(p, 32), k.mul(a, k.element(k.at(p, 20))));
    k.fma(a, a, k.element(k.at(p, 28)));
    k.store(k.at(p, 48), a);
  });
  assert.deepEqual([...memory.subarray(8, 12)], [20, 40, 60, 80]);
  assert.deepEqual([...memory.subarray(12, 16)], [41, 82, 123, 164]);
});

test('products by element take the same 32 bits for every lane, and may write them', () => {
  const memory = runOnFloats([1, 2, 3, 4, 10, 20, 30, 40], (k, p) => {
    const [a, b] = [k.load(k.at(p)), k.load(k.at(p, 16))];
    k.elementProduct('fma', b, a, b, 2);
    k.store(k.at(p, 32), b); // 10 + 1·30, 20 + 2·30, …
    const [bytes, signed] = [k.vecBits(7), k.vecBits(7)];
    k.elementProduct('dotBytes', bytes, k.vecBits(0xff010203), k.vecBits(0x80ff0102), 3);
    k.elementProduct('dotSignedBytes', signed, k.vecBits(0xff010203), k.vecBits(0x80ff0102), 0);
    k.store(k.at(p, 48), k.unary('fromI32', bytes));
    k.store(k.at(p, 64), k.unary('fromI32', signed)); // 3·2 + 2·1 + 1·−1 + −1·−128
    k.store(k.at(p, 80), k.unary('fromI32', k.shift('rightInBytes', k.vecBits(0x10f02f4f), 4)));
  });
  const at = (byte: number): number[] => [...memory.subarray(byte / 4, byte / 4 + 4)];
  assert.deepEqual(at(32), [40, 80, 120, 160]);
  assert.deepEqual(at(48), [-32626, -32626, -32626, -32626]);
  assert.deepEqual(at(64), [142, 142, 142, 142]);
  assert.deepEqual(at(80), Array(4).fill(0x010f0204));
});

test('two rows of four bf16 are multiplied with two others', () => {
  const k = new KernelBuilder('matrix', capabilities);
  const p = k.param();
  const [a, b] = [k.load(k.at(p)), k.load(k.at(p, 16))];
  const d = k.vecConst([1, 0, 0, 0]);
  k.matrixPairs(d, a, b);
  k.store(k.at(p, 32), d);
  const memory = new ArrayBuffer(48);
  const rows = [1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 0, 0, 0, 0, 1, -1].map((value) => f32Bits(value) >>> 16);
  new Uint16Array(memory).set(rows);
  interpret(k.finish(), memory, [0]);
  assert.deepEqual([...new Float32Array(memory, 32, 4)], [4, -1, 11, -1]);
});

/** [16, 32] bf16 of small integers as a, the same in rows of pairs as b, [16, 16] f32 before, and room for the sums. */
test('tiles: rows of a meet columns of b, whose rows are pairs of K, and sums are added to what was there', () => {
  const [a, b, before] = [
    (row: number, k: number): number => ((row * 7 + k * 3) % 11) - 5,
    (k: number, column: number): number => ((k * 5 + column * 2) % 13) - 6,
    (row: number, column: number): number => row - 2 * column,
  ];
  const memory = new ArrayBuffer(4096 + 16 * 100);
  const words = new DataView(memory);
  const indexes = Array.from({ length: 16 }, (_, i) => i);
  for (const row of indexes) {
    for (let k = 0; k < 32; k++) {
      words.setUint16(row * 64 + 2 * k, f32Bits(a(row, k)) >>> 16, true);
      for (const column of indexes) {
        const at = 1024 + (k >> 1) * 64 + column * 4 + 2 * (k & 1);
        words.setUint16(at, f32Bits(b(k, column)) >>> 16, true);
      }
    }
    for (const column of indexes) words.setFloat32(2048 + row * 64 + column * 4, before(row, column), true);
  }
  const code = ofTiles((k, p, stride) => {
    k.tileLoad(5, k.at(p), stride);
    k.tileLoad(1, k.at(p, 1024), stride);
    k.tileLoad(7, k.at(p, 1024, k.intConst(1024)), stride);
    k.tileDotPairs(7, 5, 1);
    k.tileStore(k.at(p, 4096), 7, k.intConst(100));
  });
  interpret(code, memory, [0]);
  for (const row of indexes) {
    for (const column of indexes) {
      let sum = before(row, column);
      for (let k = 0; k < 32; k++) sum += a(row, k) * b(k, column);
      assert.equal(words.getFloat32(4096 + row * 100 + column * 4, true), sum, `${row}, ${column}`);
    }
  }
});

test('tiles: even and odd products are added up apart, and subnormal numbers are zero', () => {
  const pairs = new Uint16Array(64 * 16);
  const bits = (value: number): number => f32Bits(value) >>> 16;
  // Row 0 of a: 2^24, 1, −2^24, 1; of another: 2^24, 0, 1, 0, −2^24, 0.
  pairs.set([2 ** 24, 1, -(2 ** 24), 1].map(bits), 0);
  pairs.set([2 ** 24, 0, 1, 0, -(2 ** 24), 0].map(bits), 32);
  pairs.set([2 ** -64, 0].map(bits), 64); // its product with 2^-63 is subnormal
  pairs.set([0x40, 0], 96); // 2^-127
  const column = 512; // column 0 of b: 1, …; column 1: 2^-63, …; column 2: 2^100, …
  for (let k = 0; k < 16; k++) pairs.set([1, 1, 2 ** -63, 0, 2 ** 100, 0].map(bits), column + 32 * k);
  const memory = new ArrayBuffer(4096);
  new Uint16Array(memory).set(pairs);
  const code = ofTiles((k, p, stride) => {
    k.tileLoad(0, k.at(p), stride);
    k.tileLoad(1, k.at(p, 1024), stride);
    k.tileDotPairs(2, 0, 1);
    k.tileDotPairs(2, 0, 1);
    k.tileStore(k.at(p, 2048), 2, stride);
    k.tileZero(2);
    k.tileStore(k.at(p, 3072), 2, stride);
  });
  interpret(code, memory, [0]);
  const sums = new Float32Array(memory, 2048, 256);
  assert.equal(sums[0], 4, '(2^24 − 2^24) + (1 + 1), twice');
  assert.equal(sums[16], 0, '2^24 + 1 is a tie: it rounds to 2^24');
  assert.equal(sums[32 + 1], 0);
  assert.equal(sums[32 + 2], 2 ** 37);
  assert.equal(sums[48 + 2], 0, 'a subnormal operand counts as zero');
  assert.ok(new Float32Array(memory, 3072, 256).every((value) => value === 0));
});

test('broken rules of tiles are named', () => {
  const memory = new ArrayBuffer(1024);
  const failing = (message: RegExp, body: (k: KernelBuilder, p: IntReg, stride: IntReg) => void): void => {
    assert.throws(() => interpret(ofTiles(body), memory, [0]), message);
  };
  failing(/tileLoad: 64 bytes at 0 \+ 976 lie outside/, (k, p) => k.tileLoad(0, k.at(p, 1), k.intConst(65)));
  failing(/tileStore: 64 bytes at 0 \+ -64 lie outside/, (k, p) => k.tileStore(k.at(p), 0, k.intConst(-64)));
  failing(/tileConfigure: tiles are in use/, (k) => k.withTiles(() => {}));
  failing(/three different tiles, found 1, 2 and 1/, (k) => k.tileDotPairs(1, 2, 1));
  const k = new KernelBuilder('example', { ...capabilities, tiles: true });
  k.tileZero(0);
  assert.throws(() => interpret(k.finish(), memory, []), /example, tileZero: no tiles are configured/);
  const { body, ...rest } = ofTiles(() => {});
  const unreleased = { ...rest, body: body.filter(({ op }) => op !== 'tileRelease') };
  assert.throws(() => interpret(unreleased, memory, [0]), /the kernel ends with tiles in use/);
});

/** A kernel of one address, with tiles whose rows are 64 bytes apart. */
function ofTiles(body: (k: KernelBuilder, p: IntReg, stride: IntReg) => void): KernelCode {
  const k = new KernelBuilder('tiles', { ...capabilities, lanes: 16, tiles: true });
  const p = k.param();
  const stride = k.intConst(64);
  k.withTiles(() => body(k, p, stride));
  return k.finish();
}

test('call hands over the target and its arguments', () => {
  const k = new KernelBuilder('caller', capabilities);
  const [target, a] = [k.param(), k.param()];
  k.call(target, [a, target]);
  const calls: unknown[] = [];
  interpret(k.finish(), new ArrayBuffer(8), [3, 44], (called, args) => {
    calls.push([called, args]);
  });
  assert.deepEqual(calls, [[3, [44, 3]]]);
});

test('waitWhile returns when the value differs and refuses to sleep for ever', () => {
  const k = new KernelBuilder('example', capabilities);
  const [p, expected] = [k.param(), k.param()];
  k.waitWhile(k.at(p), expected);
  k.wakeAll(k.at(p));
  const code = k.finish();
  interpret(code, new ArrayBuffer(4), [0, 1]);
  assert.throws(
    () => interpret(code, new ArrayBuffer(4), [0, 0]),
    /example, waitWhile: would sleep for ever/,
  );
});

test('broken rules are named with kernel and operation', () => {
  failsWith(/vecLoad: 16 bytes at 0 \+ 241 lie outside the 256 bytes/, (k, p) => k.load(k.at(p, 241)));
  failsWith(/intLoad: 4 bytes at -4/, (k, p) => k.intLoad(k.at(k.intOp('sub', p, 4), 4), 'i32'));
  failsWith(/atomicAdd: expected an address that 4 divides/, (k, p) => k.atomicAdd(k.at(p, 2), 1));
  failsWith(/intBinary: expected an integer from/, (k, p) => k.intOp('mul', k.intOp('add', p, 65536), 65536));
  failsWith(/expected divide of a ≥ 0 by b > 0, found 1 by 0/, (k) => k.intOp('divide', k.intConst(1), 0));
  failsWith(/constant shift of 0 to 31/, (k, p) => k.intOp('shiftLeft', p, 32));
  failsWith(/vecUnary: expected \|x\| < 2\^31/, (k) => k.unary('toI32', k.vecConst(2 ** 31)));
  failsWith(/vecConst: expected 1 or 4 values, found 3/, (k) => k.vecConst([1, 2, 3]));
  failsWith(/call: no kernels to call/, (k, p) => k.call(p, []));
  assert.throws(
    () => interpret(new KernelBuilder('example', capabilities).finish(), new ArrayBuffer(4), [1]),
    /example, parameters: expected 0 arguments, found 1/,
  );
});

test('a register read before it is written is named, even where the builder has not been asked', () => {
  const finished = new KernelBuilder('example', capabilities).finish();
  const code = { ...finished, intCount: 2, vecCount: 2 };
  const [i0, i1] = [0, 1].map((id): IntReg => ({ kind: 'int', id })) as [IntReg, IntReg];
  const [v0, v1] = [0, 1].map((id): VecReg => ({ kind: 'vec', id })) as [VecReg, VecReg];
  const runs = (i: Instruction) => () => interpret({ ...code, body: [i] }, new ArrayBuffer(0), []);
  assert.throws(runs({ op: 'intMove', d: i0, a: i1 }), /intMove: integer register 1 is read before/);
  assert.throws(runs({ op: 'vecMove', d: v0, a: v1 }), /vecMove: vector register 1 is read before/);
});

test('random kernels of every width keep the rules, and contain every operation but call', () => {
  const target: KernelTarget = (code) => (memory, integers) => {
    interpret(code, memory.buffer, [0, ...integers]);
  };
  for (const lanes of [8, 16] as const) {
    const tiles = lanes === 16;
    const seen = checkRandomKernels(target, { ...capabilities, lanes, tiles }, { seed: 500, count: 200 });
    for (const kind of ['add', 'sub', 'mul', 'div', 'min', 'max', 'and', 'or', 'xor', 'addI32', 'subI32'])
      assert.ok(seen.has(`vecBinary ${kind}`), kind);
    for (const name of ['dotPairs', 'dotBytes', 'vecReduce4', 'vecStore bf16', 'intStore pointer', 'wakeAll'])
      assert.ok(seen.has(name), name);
    assert.equal(seen.has('tileDotPairs'), tiles);
  }
});
