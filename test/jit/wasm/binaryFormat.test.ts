import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signedLeb128, unsignedLeb128, writeModule } from '../../../src/jit/wasm/binaryFormat.js';
import { TypedCode } from '../../../src/jit/wasm/typedCode.js';
import { createWasmMemory, webAssembly } from '../../../src/jit/wasm/webAssembly.js';

test('functions of one module keep their order, types and bodies beyond 127 of them', () => {
  const functions = Array.from({ length: 300 }, (_, i) => {
    const code = new TypedCode(`store ${i}`, ['i32', 'i32'], 'i32');
    code.get(code.params[0]!);
    code.get(code.params[1]!);
    code.i32(i);
    code.op('i32.mul');
    code.memory('i32.store', 200);
    return { name: code.name, typeIndex: 1, body: code.finish() };
  });
  const memoryImport = { isShared: false, addressType: 'i32' } as const;
  const bytes = writeModule({
    memory: memoryImport,
    importsTable: false,
    waitTypeIndex: 0,
    types: [
      ['i32', 'i32'],
      ['i32', 'i32'],
    ],
    functions,
  });
  const api = webAssembly();
  const memory = createWasmMemory(1024, { relaxedSimd: false, memory64: false, sharedMemory: false });
  const { exports } = new api.Instance(new api.Module(bytes), {
    env: { memory, wait: () => {}, clock: () => 0 },
  });
  assert.equal(Object.keys(exports).length, 300);
  for (const i of [0, 1, 127, 128, 299]) {
    exports[i]!(4, 3);
    assert.equal(new Int32Array(memory.buffer)[51], 3 * i);
  }
});

test('unsigned: the example of the DWARF standard and the edges of the groups', () => {
  assert.deepEqual(unsignedLeb128(624485), [0xe5, 0x8e, 0x26]);
  assert.deepEqual(unsignedLeb128(0), [0]);
  assert.deepEqual(unsignedLeb128(127), [0x7f]);
  assert.deepEqual(unsignedLeb128(128), [0x80, 0x01]);
  assert.deepEqual(unsignedLeb128(2 ** 32 - 1), [0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.deepEqual(unsignedLeb128(2 ** 35), [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
});

test('signed: the example of the DWARF standard and the edges of the groups', () => {
  assert.deepEqual(signedLeb128(-123456), [0xc0, 0xbb, 0x78]);
  assert.deepEqual(signedLeb128(-1), [0x7f]);
  assert.deepEqual(signedLeb128(63), [0x3f]);
  assert.deepEqual(signedLeb128(64), [0xc0, 0x00]);
  assert.deepEqual(signedLeb128(-64), [0x40]);
  assert.deepEqual(signedLeb128(-65), [0xbf, 0x7f]);
  assert.deepEqual(signedLeb128(-(2 ** 31)), [0x80, 0x80, 0x80, 0x80, 0x78]);
  assert.deepEqual(signedLeb128(2 ** 35), [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
});
