import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryInstructions, plainInstructions, writeModule } from '../../../src/jit/wasm/binaryFormat.js';
import { TypedCode } from '../../../src/jit/wasm/typedCode.js';
import { webAssembly } from '../../../src/jit/wasm/webAssembly.js';
import { enableWasmFeatures } from '../support/enableWasmFeatures.js';

enableWasmFeatures();

function validates(code: TypedCode): boolean {
  const bytes = writeModule({
    memory: { isShared: false, addressType: code.addressType },
    importsTable: true,
    waitTypeIndex: 0,
    types: [[code.addressType, 'i32'], code.params.map(({ type }) => type)],
    functions: [{ name: code.name, typeIndex: 1, body: code.finish() }],
  });
  return webAssembly().validate(bytes);
}

/** Pushes a value of the type. */
function push(code: TypedCode, type: 'i32' | 'i64' | 'v128' | 'address'): void {
  const actual = type === 'address' ? code.addressType : type;
  if (actual === 'i32') code.i32(1);
  else if (actual === 'i64') code.i64(1);
  else code.v128([1, 2, 3, 4]);
}

for (const addressType of ['i32', 'i64'] as const)
  test(`the engine agrees with the types of every row of the table (${addressType} addresses)`, () => {
    const rows = [
      ...Object.entries(plainInstructions).map(
        ([name, [, takes, gives]]) => [name, takes, gives, 'op'] as const,
      ),
      ...Object.entries(memoryInstructions).map(
        ([name, [, takes, gives]]) => [name, takes, gives, 'memory'] as const,
      ),
    ];
    for (const [name, takes, gives, method] of rows) {
      const code = new TypedCode(name, [], addressType);
      for (const type of takes) push(code, type);
      if (method === 'op') code.op(name as keyof typeof plainInstructions);
      else code.memory(name as keyof typeof memoryInstructions, 1000);
      for (const type of gives) code.drop(type);
      assert.ok(validates(code), name);
    }
  });

test('blocks, locals of every type, select, shuffle and calls validate', () => {
  const code = new TypedCode('everything', ['i32', 'i32'], 'i32');
  const [a, b] = code.params;
  const counter = code.local('i32');
  const [wide, vector] = [code.local('i64'), code.local('v128')];
  code.i64(-1);
  code.set(wide);
  code.get(a!);
  code.if(
    () => {
      code.get(vector);
      code.get(vector);
      code.shuffle([0, 4, 3, 7]);
      code.get(vector);
      code.interleave16('high');
      code.set(vector);
    },
    () => {
      code.get(a!);
      code.get(b!);
      code.get(counter);
      code.select('i32');
      code.set(a!);
    },
  );
  code.repeat(
    () => {
      code.get(a!);
      code.get(b!);
      code.call(['i32', 'i32'], 0);
      code.get(a!);
      code.get(b!);
      code.get(counter);
      code.callIndirect(['i32', 'i32'], 1);
    },
    () => {
      code.get(counter);
      code.tee(counter);
    },
  );
  assert.ok(validates(code));
});

test('a wrong operand fails where it is written', () => {
  const code = new TypedCode('wrong', ['i32'], 'i32');
  code.get(code.params[0]!);
  code.v128([0, 0, 0, 0]);
  assert.throws(() => code.op('f32x4.add'), /function wrong, f32x4.add: expected v128 v128, found i32 v128/);
  const empty = new TypedCode('empty', [], 'i32');
  assert.throws(() => empty.drop('i32'), /function empty, drop: expected i32, found nothing/);
});

test('a block neither sees the values below it nor leaves any', () => {
  const code = new TypedCode('blocks', [], 'i32');
  code.i32(1);
  code.i32(1);
  assert.throws(() => code.if(() => code.op('i32.wrap_i64')), /i32.wrap_i64: expected i64, found nothing/);
  const leaving = new TypedCode('leaving', [], 'i32');
  leaving.i32(1);
  assert.throws(() => leaving.if(() => leaving.i32(1)), /end of block: expected an empty stack, found i32/);
  const unfinished = new TypedCode('unfinished', [], 'i32');
  unfinished.i32(1);
  assert.throws(() => unfinished.finish(), /unfinished, end: expected an empty stack, found i32/);
});
