import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { QwenAsrError } from '../../src/error.js';
import type { ActivationDtype, Backend, Operators, Tensor, Weight } from '../../src/ops/operators.js';
import { createReferenceBackend } from '../../src/ops/reference/referenceBackend.js';
import { compiledTargets } from './compiled/support/compiledBackends.js';

const machines = (await compiledTargets()).filter(({ missing }) => missing === false);
const backends: readonly Backend[] = [
  createReferenceBackend(),
  ...machines.slice(0, 1).map(({ create }) => create(1)),
  ...machines
    .slice(1)
    .slice(-1)
    .map(({ create }) => create(1)),
];

after(async () => {
  for (const backend of backends) await backend.close();
});

/** Operands that fit together: 3 rows, depths of 64 and 32, heads of 32. */
function operandsOf(backend: Backend) {
  const scope = backend.createScope('test');
  const tensor = (shape: readonly number[], dtype: ActivationDtype = 'f32'): Tensor =>
    scope.tensor('t', shape, dtype);
  const weight = (shape: readonly number[], layout?: 'convolution'): Weight => {
    const length = shape.reduce((product, size) => product * size, 1);
    return backend.weight({ name: 'w', shape, dtype: 'f32', bytes: new Uint8Array(4 * length) }, layout);
  };
  const map = (chunks: number, channels: number, height: number, width: number) =>
    scope.featureMap('m', { chunks, channels, height, width });
  const rows = (count: number, kind: 'prefill' | 'step' = 'step') => {
    return { count, kind, positions: tensor([count], 'i32'), sequences: tensor([count], 'i32') };
  };
  const cache = scope.kvCache({ layers: 2, sequences: 3, capacity: 8, kvHeads: 1, headDim: 32 });
  return { tensor, weight, map, rows, cache };
}

type Operands = ReturnType<typeof operandsOf>;
type Calls = {
  readonly [Name in keyof Operators]?: (operands: Operands) => Parameters<Operators[Name]>[0];
};

/** One call of every operator that is right. */
const right = {
  logMel: ({ tensor }) => ({ samples: tensor([1600]), filters: tensor([128, 201]), y: tensor([128, 10]) }),
  chunkMel: ({ tensor, map }) => ({ mel: tensor([128, 25]), y: map(3, 1, 128, 10) }),
  conv2dGelu: ({ map, weight }) => ({
    x: map(2, 32, 8, 5),
    weight: weight([64, 32, 3, 3], 'convolution'),
    bias: weight([64]),
    y: map(2, 64, 4, 3),
  }),
  flattenTime: ({ map, tensor }) => ({ x: map(2, 32, 2, 3), y: tensor([6, 64], 'operand') }),
  linear: ({ tensor, weight }) => ({
    x: tensor([3, 64], 'operand'),
    weight: weight([32, 64]),
    bias: weight([32]),
    residual: tensor([3, 32]),
    y: tensor([3, 32]),
  }),
  swiglu: ({ tensor, weight }) => ({
    x: tensor([3, 64], 'operand'),
    gate: weight([32, 64]),
    up: weight([32, 64]),
    y: tensor([3, 32], 'operand'),
  }),
  layerNorm: ({ tensor, weight }) => {
    const parts = { weight: weight([64]), bias: weight([64]), epsilon: 1e-5 };
    return { x: tensor([3, 64]), ...parts, y: tensor([3, 64], 'operand') };
  },
  rmsNorm: ({ tensor, weight }) => {
    return { x: tensor([3, 64]), weight: weight([64]), epsilon: 1e-6, y: tensor([3, 64], 'operand') };
  },
  windowAttention: ({ tensor }) => {
    const rows = () => tensor([3, 64], 'operand');
    return { q: rows(), k: rows(), v: rows(), heads: 2, windowTokens: 2, y: rows() };
  },
  rotaryToCache: ({ tensor, weight, rows, cache }) => ({
    q: tensor([3, 64]),
    k: tensor([3, 32]),
    v: tensor([3, 32]),
    qNorm: weight([32]),
    kNorm: weight([32]),
    epsilon: 1e-6,
    cos: tensor([8, 16]),
    sin: tensor([8, 16]),
    cache,
    layer: 1,
    rows: rows(3),
    y: tensor([3, 64], 'operand'),
  }),
  cachedAttention: ({ tensor, rows, cache }) => {
    const queries = () => tensor([3, 64], 'operand');
    return { q: queries(), cache, layer: 1, rows: rows(3), y: queries() };
  },
  embed: ({ tensor, weight }) => ({ ids: tensor([3], 'i32'), table: weight([50, 64]), y: tensor([3, 64]) }),
  argmaxLinear: ({ tensor, weight }) => ({
    x: tensor([3, 64], 'operand'),
    weight: weight([50, 64]),
    ids: tensor([3], 'i32'),
    best: tensor([3]),
    logSumExp: tensor([3]),
  }),
} satisfies Calls;

type Name = keyof typeof right;

/** Operands of a right call, replaced one or a few at a time, and what the error says of it. */
type Changes = (operands: Operands) => readonly (readonly [changes: object, message: RegExp])[];

const wrong: Readonly<Record<Name, Changes>> = {
  logMel: ({ tensor }) => [
    [{ samples: tensor([200]) }, /samples \(t\): expected \[more than 200\], found \[200\]/],
    [{ samples: tensor([1, 1600]) }, /samples \(t\): .* found \[1, 1600\]/],
    [{ samples: tensor([1600], 'i32') }, /samples \(t\): expected f32, found i32/],
    [{ filters: tensor([128, 200]) }, /filters \(t\): expected \[128, 201\], found \[128, 200\]/],
    [{ y: tensor([128, 9]) }, /y \(t\): expected \[128, 10\], found \[128, 9\]/],
    [{ y: tensor([64, 10]) }, /y \(t\): expected \[128, 10\]/],
  ],
  chunkMel: ({ tensor, map }) => [
    [{ mel: tensor([64, 25]) }, /y \(m\): expected \[3, 1, 64, 10\], found \[3, 1, 128, 10\]/],
    [{ y: map(4, 1, 128, 10) }, /y \(m\): expected \[3, /],
    [{ y: map(2, 1, 128, 10) }, /y \(m\): expected \[3, /],
    [{ y: map(3, 2, 128, 10) }, /y \(m\): expected \[3, 1, /],
  ],
  conv2dGelu: ({ map, weight }) => [
    [{ x: map(2, 64, 8, 5) }, /weight \(w\): expected \[64, 64, 3, 3\], found \[64, 32, 3, 3\]/],
    [{ bias: weight([32]) }, /bias \(w\): expected \[64\], found \[32\]/],
    [{ y: map(2, 32, 4, 3) }, /weight \(w\): expected \[32, 32, 3, 3\]/],
    [{ y: map(3, 64, 4, 3) }, /y \(m\): expected \[2, 64, 4, 3\], found \[3, /],
    [{ y: map(2, 64, 5, 3) }, /y \(m\): .* found \[2, 64, 5, 3\]/],
    [{ y: map(2, 64, 4, 2) }, /y \(m\): .* found \[2, 64, 4, 2\]/],
  ],
  flattenTime: ({ tensor }) => [
    [{ y: tensor([7, 64], 'operand') }, /y \(t\): expected at most 6 rows, found 7/],
    [{ y: tensor([6, 32], 'operand') }, /y \(t\): expected \[6, 64\], found \[6, 32\]/],
    [{ y: tensor([6, 64], 'i32') }, /y \(t\): expected f32 or operand, found i32/],
  ],
  linear: ({ tensor, weight }) => [
    [{ x: tensor([3, 32], 'operand') }, /weight \(w\): expected \[32, 32\], found \[32, 64\]/],
    [{ x: tensor([3, 96], 'operand') }, /weight \(w\): expected \[32, 96\], found \[32, 64\]/],
    [{ x: tensor([192], 'operand') }, /x \(t\): expected a matrix, found \[192\]/],
    [{ x: tensor([3, 64], 'i32') }, /x \(t\): expected f32 or operand, found i32/],
    [{ y: tensor([3, 64]) }, /y \(t\): expected \[3, 32\], found \[3, 64\]/],
    [{ y: tensor([2, 32]) }, /y \(t\): expected \[3, 32\], found \[2, 32\]/],
    [{ bias: weight([64]) }, /bias \(w\): expected \[32\], found \[64\]/],
    [{ residual: tensor([2, 32]) }, /residual \(t\): expected \[3, 32\], found \[2, 32\]/],
    [{ residual: tensor([3, 32], 'operand') }, /residual \(t\): expected f32, found operand/],
    [{ x: tensor([3, 64]).rows(0, 0), y: tensor([3, 32]).rows(0, 0) }, /x \(t\): expected sizes above 0/],
  ],
  swiglu: ({ tensor, weight }) => [
    [{ x: tensor([3, 32], 'operand') }, /gate \(w\): expected \[32, 32\], found \[32, 64\]/],
    [{ up: weight([64, 64]) }, /up \(w\): expected \[32, 64\], found \[64, 64\]/],
    [{ up: weight([32, 32]) }, /up \(w\): expected \[32, 64\], found \[32, 32\]/],
    [{ y: tensor([3, 64], 'operand') }, /y \(t\): expected \[3, 32\]/],
  ],
  layerNorm: ({ tensor, weight }) => [
    [{ weight: weight([32]) }, /weight \(w\): expected \[64\], found \[32\]/],
    [{ bias: weight([32]) }, /bias \(w\): expected \[64\], found \[32\]/],
    [{ x: tensor([3, 64], 'operand') }, /x \(t\): expected f32, found operand/],
    [{ y: tensor([2, 64], 'operand') }, /y \(t\): expected \[3, 64\], found \[2, 64\]/],
  ],
  rmsNorm: ({ tensor, weight }) => [
    [{ weight: weight([96]) }, /weight \(w\): expected \[64\], found \[96\]/],
    [{ y: tensor([3, 32], 'operand') }, /y \(t\): expected \[3, 64\], found \[3, 32\]/],
  ],
  windowAttention: ({ tensor }) => [
    [{ k: tensor([2, 64], 'operand') }, /k \(t\): expected \[3, 64\], found \[2, 64\]/],
    [{ v: tensor([3, 32], 'operand') }, /v \(t\): expected \[3, 64\], found \[3, 32\]/],
    [{ y: tensor([4, 64], 'operand') }, /y \(t\): expected \[3, 64\], found \[4, 64\]/],
    [{ heads: 3 }, /q \(t\): expected a multiple of 3, found 64/],
    [{ heads: 0 }, /q \(t\): expected a multiple of 0, found 64/],
    [{ windowTokens: 0 }, /windowTokens: expected a multiple of 1, found 0/],
    [{ windowTokens: 2.5 }, /windowTokens: expected a multiple of 1, found 2.5/],
  ],
  rotaryToCache: ({ tensor, weight, rows }) => [
    [{ q: tensor([3, 48]) }, /q \(t\): expected a multiple of 32, found 48/],
    [{ q: tensor([2, 64]) }, /rows: expected 2, one a query, found 3/],
    [{ k: tensor([3, 64]) }, /k \(t\): expected \[3, 32\], found \[3, 64\]/],
    [{ v: tensor([2, 32]) }, /v \(t\): expected \[3, 32\], found \[2, 32\]/],
    [{ qNorm: weight([64]) }, /qNorm \(w\): expected \[32\], found \[64\]/],
    [{ kNorm: weight([16]) }, /kNorm \(w\): expected \[32\], found \[16\]/],
    [{ cos: tensor([8, 32]) }, /cos \(t\): expected \[8, 16\], found \[8, 32\]/],
    [{ sin: tensor([7, 16]) }, /sin \(t\): expected \[8, 16\], found \[7, 16\]/],
    [{ layer: 2 }, /layer: expected one of 2, found 2/],
    [{ layer: -1 }, /layer: expected one of 2, found -1/],
    [{ rows: { ...rows(3), positions: tensor([2], 'i32') } }, /positions \(t\): expected \[3\], found \[2\]/],
    [{ rows: { ...rows(3), sequences: tensor([3]) } }, /sequences \(t\): expected i32, found f32/],
    [{ y: tensor([3, 32], 'operand') }, /y \(t\): expected \[3, 64\], found \[3, 32\]/],
  ],
  cachedAttention: ({ tensor, rows }) => [
    [{ q: tensor([3, 96], 'operand') }, /y \(t\): expected \[3, 96\], found \[3, 64\]/],
    [{ rows: rows(2) }, /rows: expected 3, one a query, found 2/],
    [{ layer: 0.5 }, /layer: expected one of 2, found 0.5/],
    [{ y: tensor([3, 64], 'i32') }, /y \(t\): expected f32 or operand, found i32/],
  ],
  embed: ({ tensor, weight }) => [
    [{ ids: tensor([4], 'i32') }, /ids \(t\): expected \[3\], found \[4\]/],
    [{ ids: tensor([3]) }, /ids \(t\): expected i32, found f32/],
    [{ table: weight([50, 32]) }, /table \(w\): expected \[50, 64\], found \[50, 32\]/],
    [{ y: tensor([3, 64], 'operand') }, /y \(t\): expected f32, found operand/],
  ],
  argmaxLinear: ({ tensor, weight }) => [
    [{ weight: weight([50, 32]) }, /weight \(w\): expected \[50, 64\], found \[50, 32\]/],
    [{ ids: tensor([2], 'i32') }, /ids \(t\): expected \[3\], found \[2\]/],
    [{ best: tensor([4]) }, /best \(t\): expected \[3\], found \[4\]/],
    [{ logSumExp: tensor([3], 'i32') }, /logSumExp \(t\): expected f32, found i32/],
  ],
};

function record(backend: Backend, name: Name, args: object): void {
  backend.plan('test', (ops) => (ops[name] as (args: object) => void)(args));
}

for (const backend of backends) {
  for (const name of Object.keys(right) as Name[]) {
    test(`${name} on ${backend.isa} checks its operands when it is recorded`, () => {
      const operands = operandsOf(backend);
      const fitting: object = right[name](operands);
      record(backend, name, fitting);
      for (const [changes, message] of wrong[name](operands)) {
        assert.throws(
          () => record(backend, name, { ...fitting, ...changes }),
          (error) => {
            assert.ok(error instanceof QwenAsrError, String(error));
            assert.equal(error.code, 'internal');
            assert.match(error.message, message);
            assert.ok(error.message.startsWith(`${name}: `) && !error.message.includes('\n'), error.message);
            return true;
          },
        );
      }
    });
  }

  test(`attention on ${backend.isa} of more rows than a sequence has positions is refused`, () => {
    const operands = operandsOf(backend);
    const { tensor, rows, cache } = operands;
    const count = cache.capacity + 1;
    const q = tensor([count, 64], 'operand');
    const args = { q, cache, layer: 0, rows: rows(count, 'prefill'), y: tensor([count, 64], 'operand') };
    assert.throws(() => record(backend, 'cachedAttention', args), {
      message: `cachedAttention: rows: expected at most ${cache.capacity}, the positions of a sequence, found ${count}`,
    });
  });

  test(`tensors and maps on ${backend.isa} keep to their sizes`, () => {
    const { tensor, map } = operandsOf(backend);
    for (const [start, end] of [
      [0, 4],
      [-1, 2],
      [2, 1],
    ] as const)
      assert.throws(() => tensor([3, 64]).rows(start, end), {
        code: 'internal',
        message: /expected rows within 0\.\.3/,
      });
    for (const dtype of ['f32', 'operand', 'i32'] as const) {
      for (const length of [191, 193]) {
        const found = new RegExp(`expected 192 values, found ${length}`);
        const write = () => tensor([3, 64], dtype).write(new Float32Array(length));
        assert.throws(write, { code: 'internal', message: found });
      }
    }
    for (const chunks of [0, 3])
      assert.throws(() => map(2, 32, 4, 4).firstChunks(chunks), {
        code: 'internal',
        message: /expected 1\.\.2 chunks/,
      });
  });

  test(`a weight on ${backend.isa} whose bytes are not those of its shape is refused`, () => {
    for (const byteLength of [4 * 32 * 64 - 4, 4 * 32 * 64 + 4]) {
      const parameter = {
        name: 'w',
        shape: [32, 64],
        dtype: 'f32',
        bytes: new Uint8Array(byteLength),
      } as const;
      assert.throws(() => backend.weight(parameter), {
        code: 'internal',
        message: `w: expected 8192 bytes for [32, 64] f32, found ${byteLength}`,
      });
    }
  });
}
