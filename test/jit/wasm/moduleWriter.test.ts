import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWasmMemory } from '../../../src/jit/wasm/createWasmMemory.js';
import { writeModule } from '../../../src/jit/wasm/moduleWriter.js';
import { TypedCode } from '../../../src/jit/wasm/typedCode.js';
import { webAssembly } from '../../../src/jit/wasm/webAssembly.js';

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
