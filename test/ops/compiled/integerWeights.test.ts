import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundToBf16 } from '../../../src/jit/numberFormats.js';
import { wasmFeatures } from '../../../src/jit/wasm/webAssembly.js';
import { integerParameter, quantizeRows } from '../../../src/ops/affineGroups.js';
import { createCompiledBackend } from '../../../src/ops/compiled/compiledBackend.js';
import type { Backend, Operators, Scope, Tensor, Weight } from '../../../src/ops/operators.js';
import type { IntegerForm, Parameter } from '../../../src/ops/parameter.js';
import { createReferenceBackend } from '../../../src/ops/reference/referenceBackend.js';
import { WasmMachine } from '../../../src/runtime/wasmMachine.js';
import { enableWasmFeatures } from '../../jit/support/enableWasmFeatures.js';
import { oneLineError } from '../../model/support/oneLineError.js';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';

const [HIDDEN, WIDE, VOCABULARY] = [128, 320, 922];
const FORMS: readonly IntegerForm[] = [
  { bits: 8, groupSize: 64 },
  { bits: 4, groupSize: 32 },
];

/** Relative root mean square of what may differ: activations of 7 bits with 8-bit weights, of 8 bits, of 16 bits in f32. */
const BOUNDS = { smallBytes: 0.03, bytes: 0.02, words: 2e-4 };

/** What activations become on each level. */
const OPERANDS = {
  simd128: 'words',
  'relaxed-simd': 'smallBytes',
  amx: 'bytes',
  avx512bf16: 'bytes',
  avx512f: 'smallBytes',
  avx2: 'smallBytes',
} as const;

/** WebAssembly as it is found, and with relaxed SIMD, where that needs a flag. */
const wasmMachines = [wasmMachine()];
if (!wasmFeatures().relaxedSimd) {
  enableWasmFeatures();
  wasmMachines.push(wasmMachine());
}

function wasmMachine(): WasmMachine {
  return new WasmMachine({ started: { threads: [], refusal: null }, weightBytes: 0 });
}

function plain(name: string, shape: readonly number[], values: Float32Array): Parameter {
  const stored = new Uint16Array(values.length);
  roundToBf16(values, stored);
  return { name, shape, dtype: 'bf16', bytes: new Uint8Array(stored.buffer) };
}

/** As a quantised directory holds it: packed as it is stored. */
function affine(
  name: string,
  [n, k]: readonly [number, number],
  values: Float32Array,
  bits: 8 | 4,
): Parameter {
  const groupSize = 64;
  const made = quantizeRows(values, { bits, groupSize });
  const part = (what: string, numbers: Uint16Array) =>
    ({
      name: `${name}.${what}`,
      shape: [n, k / groupSize],
      dtype: 'bf16',
      bytes: new Uint8Array(numbers.buffer),
    }) as const;
  const [scales, biases] = [part('scales', made.scales), part('biases', made.biases)];
  return { name, shape: [n, k], dtype: 'affine', bytes: made.packed, bits, groupSize, scales, biases };
}

/** A matrix of integers; the reference multiplies the numbers that they stand for with activations as they are. */
function integers(backend: Backend, parameter: Parameter, form: IntegerForm): Weight {
  if (backend.name === 'reference') return backend.weight(integerParameter(parameter, form), 'matrix');
  return backend.weight(parameter, 'matrix', form);
}

/** A small decoder layer without attention, in which rows that were quantised are written again. */
async function layer(backend: Backend, form: IntegerForm, rows: number): Promise<Float32Array[]> {
  const random = new Random(rows + form.bits);
  const scope = backend.createScope('test');
  const matrix = (n: number, k: number): Weight => {
    const values = random.floats(n * k, 1 / Math.sqrt(k));
    return integers(backend, plain(`w${n}x${k}`, [n, k], values), form);
  };
  const stored = affine('stored', [WIDE, HIDDEN], random.floats(WIDE * HIDDEN, 0.2), 4);
  const embedding = matrix(VOCABULARY, HIDDEN);
  const [out, gate, up, down] = [
    matrix(HIDDEN, HIDDEN),
    matrix(WIDE, HIDDEN),
    integers(backend, plain('up', [WIDE, HIDDEN], random.floats(WIDE * HIDDEN, 0.2)), form),
    matrix(HIDDEN, WIDE),
  ];
  const packed = integers(backend, stored, { bits: 8, groupSize: 64 });
  const norm = backend.weight(plain('norm', [HIDDEN], random.floats(HIDDEN)), 'vector');
  await backend.placeWeights();
  const tensor = (width: number, dtype: 'f32' | 'operand'): Tensor => {
    const made = scope.tensor('x', [rows, width], dtype);
    made.write(new Float32Array(rows * width));
    return made;
  };
  const ids = scope.tensor('ids', [rows], 'i32');
  ids.write(Int32Array.from({ length: rows }, (_, i) => (i * 61) % VOCABULARY));
  const [stream, normed, gated] = [tensor(HIDDEN, 'f32'), tensor(HIDDEN, 'operand'), tensor(WIDE, 'operand')];
  const [wide, embedded] = [tensor(WIDE, 'f32'), tensor(HIDDEN, 'f32')];
  const choice = {
    ids: vector(scope, rows, 'i32'),
    best: vector(scope, rows),
    logSumExp: vector(scope, rows),
  };
  const build = (ops: Operators): void => {
    ops.embed({ ids, table: embedding, y: stream });
    ops.embed({ ids, table: embedding, y: embedded });
    ops.rmsNorm({ x: stream, weight: norm, epsilon: 1e-6, y: normed });
    ops.linear({ x: normed, weight: out, residual: stream, y: stream });
    ops.linear({ x: normed, weight: packed, y: wide });
    ops.rmsNorm({ x: stream, weight: norm, epsilon: 1e-6, y: normed });
    ops.swiglu({ x: normed, gate, up, y: gated });
    ops.linear({ x: gated, weight: down, residual: stream, y: stream });
    ops.argmaxLinear({ x: normed, weight: embedding, ...choice });
  };
  await backend.plan('test', build).run();
  const results = [embedded, wide, stream, choice.best, choice.logSumExp].map((result) => result.read());
  scope.release();
  return results;
}

/** Channels and group of the convolutions below, and how their weights are stored. */
const CONVOLUTIONS = [
  { channels: 32, groupSize: 32, dtype: 'bf16' },
  { channels: 160, groupSize: 160, dtype: 'f32' },
  { channels: 192, groupSize: 96, dtype: 'f16' },
] as const;

/** Weights of two convolutions of integers, the map before the second written in floating-point numbers or as integers. */
async function stem(
  backend: Backend,
  { channels, groupSize, dtype }: (typeof CONVOLUTIONS)[number],
  writesIntegers: boolean,
): Promise<Float32Array[]> {
  const random = new Random(channels);
  const scope = backend.createScope('test');
  const chunks = 3;
  const sizes = [
    { channels: 1, height: 24, width: 10 },
    { channels, height: 12, width: 5 },
    { channels, height: 6, width: 3 },
    { channels, height: 3, width: 2 },
  ];
  const filter = (inputs: number): Weight => {
    const shape = [channels, inputs, 3, 3];
    const values = random.floats(channels * inputs * 9, 3 / Math.sqrt(9 * inputs));
    const stored = plain('conv', shape, values);
    if (inputs === 1 || dtype === 'bf16')
      return backend.weight(stored, 'convolution', inputs === 1 ? undefined : { bits: 8, groupSize });
    // Numbers that are exact in every type.
    const bytes = new Uint8Array(dtype === 'f32' ? 4 * values.length : 2 * values.length);
    const view = new DataView(bytes.buffer);
    for (const [i, value] of values.entries()) {
      const sixteenths = Math.round(16 * value);
      if (dtype === 'f32') view.setFloat32(4 * i, sixteenths / 16, true);
      else view.setUint16(2 * i, halfOfSixteenths(sixteenths), true);
    }
    return backend.weight({ name: 'conv', shape, dtype, bytes }, 'convolution', { bits: 8, groupSize });
  };
  const filters = [filter(1), filter(channels), filter(channels)];
  const biases = filters.map(() =>
    backend.weight(plain('bias', [channels], random.floats(channels, 0.5)), 'vector'),
  );
  await backend.placeWeights();
  const maps = sizes.map((size, i) =>
    // Room for more chunks than are used, as in the last group of a clip.
    scope
      .featureMap('map', { chunks: chunks + 2, ...size }, i === 1 && writesIntegers ? filters[1] : undefined)
      .firstChunks(chunks),
  );
  const mel = scope.tensor('mel', [24, 10 * chunks - 3], 'f32');
  mel.write(random.floats(24 * (10 * chunks - 3)));
  const y = scope.tensor('y', [2 * chunks, 3 * channels], 'operand');
  const build = (ops: Operators): void => {
    ops.chunkMel({ mel, y: maps[0]! });
    filters.forEach((weight, i) => {
      ops.conv2dGelu({ x: maps[i]!, weight, bias: biases[i]!, y: maps[i + 1]! });
    });
    ops.flattenTime({ x: maps[3]!, y });
  };
  const pass = backend.plan('test', build);
  await pass.run();
  await pass.run(); // the second time the borders hold what the first time left
  const result = y.read();
  scope.release();
  return [result];
}

/** Bits of sixteenths/16 in f16, below 2. */
function halfOfSixteenths(sixteenths: number): number {
  const sign = sixteenths < 0 ? 0x8000 : 0;
  const size = Math.abs(sixteenths);
  if (size === 0) return sign;
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent - 4 + 15) << 10) | ((size - 2 ** exponent) << (10 - exponent));
}

function vector(scope: Scope, rows: number, dtype: 'f32' | 'i32' = 'f32'): Tensor {
  return scope.tensor('v', [rows], dtype);
}

function relativeError(found: Float32Array, expected: Float32Array): number {
  let error = 0;
  let size = 0;
  for (const [i, value] of expected.entries()) {
    error += (found[i]! - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(error / size);
}

const wasmTargets = wasmMachines.map((machine) => ({
  name: `wasm with ${machine.isa}`,
  level: machine.isa as 'simd128' | 'relaxed-simd',
  missing: false,
  create: () => createCompiledBackend({ machine, precision: 'f32', regionBytes: 2 ** 26 }),
}));

for (const target of [...(await compiledTargets()), ...wasmTargets]) {
  test(`a layer of integer weights on ${target.name} is that of the reference`, {
    skip: target.missing,
  }, async () => {
    const [compiled, reference] = [target.create(2), createReferenceBackend()];
    const bound = BOUNDS[OPERANDS[target.level]];
    for (const form of FORMS) {
      for (const rows of [1, 3, 16, 17, 40]) {
        const found = await layer(compiled, form, rows);
        const expected = await layer(reference, form, rows);
        assert.deepEqual(found[0], expected[0], 'embedded rows are exact');
        found.forEach((values, i) => {
          const error = relativeError(values, expected[i]!);
          assert.ok(error <= bound, `${form.bits} bits, ${rows} rows, result ${i}: ${error}`);
        });
      }
    }
    await compiled.close();
    await reference.close();
  });
}

for (const target of [...(await compiledTargets()), ...wasmTargets]) {
  test(`convolutions of integers on ${target.name} are those of the reference`, {
    skip: target.missing,
  }, async () => {
    const [compiled, reference] = [target.create(2), createReferenceBackend()];
    // Where there are no products of bytes convolutions keep their type: within what rounding weights and maps costs.
    const bound = BOUNDS[OPERANDS[target.level] === 'words' ? 'smallBytes' : OPERANDS[target.level]];
    for (const what of CONVOLUTIONS) {
      const [expected] = await stem(reference, what, false);
      for (const writesIntegers of [false, true]) {
        const [found] = await stem(compiled, what, writesIntegers);
        const error = relativeError(found!, expected!);
        assert.ok(error <= bound, `${what.channels} channels, ${what.dtype}: ${error}`);
        assert.ok(error > 0 && relativeError(found!.slice(1), expected!.subarray(0, -1)) > 0.5);
      }
    }
    await compiled.close();
    await reference.close();
  });
}

/** What a load does with a matrix whose bias of row 20 000, group 1, is an infinity. */
async function placeDamaged(backend: Backend, form: IntegerForm | undefined): Promise<void> {
  const [rows, at] = [20_032, 2 * 20_000 + 1]; // far behind what is looked at at once
  const stored = affine('stored', [rows, HIDDEN], new Float32Array(rows * HIDDEN).fill(0.5), 4);
  assert.ok(stored.dtype === 'affine');
  new Uint16Array(stored.biases.bytes.buffer)[at] = 0xff80;
  backend.weight({ ...stored, source: 'dir' }, 'matrix', form);
  await backend.placeWeights();
}

for (const [name, create] of [
  ['the reference', createReferenceBackend],
  ...wasmTargets.map(({ name, create }) => [name, create] as const),
  ...(await compiledTargets()).flatMap(({ name, missing, create }) =>
    missing === false ? [[name, () => create(2)] as const] : [],
  ),
] as const) {
  test(`of a large matrix the very element that is not finite is named, on ${name}`, async () => {
    // As it is, in more bits, rounded anew, and as floating-point numbers.
    for (const form of [...FORMS.map(({ bits }) => ({ bits, groupSize: 64 })), FORMS[1], undefined]) {
      const backend = create();
      await assert.rejects(
        () => placeDamaged(backend, form),
        oneLineError('model', /^dir: quantised tensor stored\.biases: element 40001 is not finite$/),
      );
      await backend.close();
    }
  });
}
