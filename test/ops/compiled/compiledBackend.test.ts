import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompiledBackend } from '../../../src/ops/compiled/compiledBackend.js';
import type { Backend, Pass, Scope, Tensor, Weight } from '../../../src/ops/operators.js';
import { oneLineError } from '../../model/support/oneLineError.js';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';
import { bf16Values, OperatorPair } from './support/operatorPair.js';

const targets = await compiledTargets();
const target = targets.filter(({ missing }) => missing === false).at(-1);
const skip = target === undefined && 'no machine code on this machine';

const closed = oneLineError('closed');

function withBackend(threads: number, work: (backend: Backend) => Promise<void>): () => Promise<void> {
  return async () => {
    const backend = target!.create(threads);
    try {
      await work(backend);
    } finally {
      await backend.close();
    }
  };
}

/** A pass of `count` products one after another, x ← x·weightᵀ, each waiting for the one before. */
function planChain(backend: Backend, scope: Scope, count: number): { pass: Pass; x: Tensor } {
  const size = 512;
  const bytes = new Uint8Array(new Uint16Array(size * size).buffer);
  const weight = backend.weight({ name: 'w', shape: [size, size], dtype: 'bf16', bytes });
  const [x, y] = [1, 2].map(() => scope.tensor('x', [256, size], 'operand')) as [Tensor, Tensor];
  const pass = backend.plan('chain', (ops) => {
    for (let i = 0; i < count; i++) ops.linear({ x: i % 2 === 0 ? x : y, weight, y: i % 2 === 0 ? y : x });
  });
  return { pass, x };
}

for (const { name, missing, create } of targets) {
  test(`a network of operators on ${name} waits where it must, on 1 to 4 threads`, {
    skip: missing,
  }, async () => {
    for (const threads of [1, 2, 3, 4]) {
      const pair = new OperatorPair(create(threads));
      const random = new Random(51 + threads);
      const [m, width] = [24, 128];
      const start = random.floats(m * width);
      const weights = Array.from({ length: 6 }, () => bf16Values(random, width * width, 0.2));
      const norm = random.floats(width);
      await pair.agree(`${threads} threads`, (bench) => {
        const stream = bench.tensor([m, width], 'f32', start);
        const [normed, a, b, c] = [1, 2, 3, 4].map(() => bench.tensor([m, width], 'operand')) as [
          Tensor,
          Tensor,
          Tensor,
          Tensor,
        ];
        const placed = weights.map((values) => bench.weight([width, width], values));
        const weight = bench.weight([width], norm, 'f32');
        bench.run((ops) => {
          for (let layer = 0; layer < 6; layer++) {
            ops.rmsNorm({ x: stream, weight, epsilon: 1e-6, y: normed });
            ops.linear({ x: normed, weight: placed[0]!, y: a });
            ops.linear({ x: normed, weight: placed[1]!, y: b });
            ops.linear({ x: normed, weight: placed[2]!, y: c });
            ops.windowAttention({ q: a, k: b, v: c, heads: 2, windowTokens: 10, y: normed });
            ops.linear({ x: normed, weight: placed[3]!, residual: stream, y: stream });
            ops.swiglu({ x: normed, gate: placed[4]!, up: placed[5]!, y: a });
            ops.linear({ x: a, weight: placed[0]!, residual: stream, y: stream });
          }
        });
        return [stream];
      });
      await pair.close();
    }
  });
}

test(
  'probes see a tensor as it is at their place, between operators that change it',
  {
    skip,
  },
  withBackend(2, async (backend) => {
    const scope = backend.createScope('probes');
    const x = scope.tensor('x', [2, 32], 'f32');
    x.write(new Float32Array(64).fill(8));
    const bytes = new Uint8Array(new Float32Array(32).fill(1).buffer);
    const [weight, bias] = ['w', 'b'].map((name) =>
      backend.weight({ name, shape: [32], dtype: 'f32', bytes }),
    ) as [Weight, Weight];
    const seen: [string, readonly number[], number, number][] = [];
    const pass = backend.plan(
      'probed',
      (ops) => {
        ops.probe('before', x);
        ops.rmsNorm({ x, weight, epsilon: 0, y: x }); // 1 everywhere
        ops.probe('scaled', x);
        ops.probe('scaled again', x.rows(1, 2));
        ops.layerNorm({ x, weight, bias, epsilon: 1, y: x }); // 0 everywhere, plus the bias
        ops.layerNorm({ x, weight, bias, epsilon: 1, y: x });
        ops.probe('after', x);
      },
      (stage, values, shape) => seen.push([stage, shape, values.length, values.at(-1)!]),
    );
    await pass.run();
    assert.deepEqual(seen, [
      ['before', [2, 32], 64, 8],
      ['scaled', [2, 32], 64, 1],
      ['scaled again', [1, 32], 32, 1],
      ['after', [2, 32], 64, 1],
    ]);
  }),
);

test(
  'passes run one at a time, in the order of their calls',
  {
    skip,
  },
  withBackend(2, async (backend) => {
    const scope = backend.createScope('order');
    const { pass } = planChain(backend, scope, 8);
    const ended: number[] = [];
    await Promise.all(Array.from({ length: 6 }, (_, i) => pass.run().then(() => ended.push(i))));
    assert.deepEqual(ended, [0, 1, 2, 3, 4, 5]);
  }),
);

test(
  'scopes give back what they took',
  {
    skip,
  },
  withBackend(2, async (backend) => {
    const before = backend.activationBytes;
    for (let round = 0; round < 3; round++) {
      const scope = backend.createScope('scope');
      const { pass } = planChain(backend, scope, 2);
      assert.ok(backend.activationBytes > before + 2 * 256 * 512 * 2);
      await pass.run();
      scope.release();
      scope.release();
      assert.equal(backend.activationBytes, before);
      assert.throws(() => scope.tensor('late', [1], 'f32'), oneLineError('internal', /released/));
    }
  }),
);

test(
  'a signal stops a pass within its tape, and the next pass runs',
  {
    skip,
  },
  withBackend(2, async (backend) => {
    const scope = backend.createScope('abort');
    const { pass } = planChain(backend, scope, 2000);
    // In pairs, of which one has to be undisturbed by what else the machine does.
    const shares: number[] = [];
    while (!shares.some((share) => share < 0.5) && shares.length < 10) {
      const startMs = performance.now();
      await pass.run();
      const fullMs = performance.now() - startMs;
      const abort = new AbortController();
      const running = pass.run(abort.signal);
      await new Promise((resolve) => setTimeout(resolve, fullMs / 8));
      const abortMs = performance.now();
      abort.abort();
      await assert.rejects(running, oneLineError('aborted'));
      shares.push((performance.now() - abortMs) / fullMs);
    }
    assert.ok(
      shares.some((share) => share < 0.5),
      `stopped after ${shares.join(', ')} of a pass`,
    );
    await assert.rejects(pass.run(AbortSignal.abort()), oneLineError('aborted'));
    await planChain(backend, scope, 2).pass.run();
  }),
);

test('close ends the running pass and those that wait; then everything is closed', { skip }, async () => {
  const backend = target!.create(2);
  const scope = backend.createScope('close');
  const { pass, x } = planChain(backend, scope, 2000);
  const runs = [pass.run(), pass.run()].map((run) => assert.rejects(run, closed));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all([backend.close(), backend.close(), ...runs]);
  await assert.rejects(pass.run(), closed);
  await assert.rejects(backend.measureCeilings(), closed);
  assert.throws(() => x.read(), closed);
  assert.throws(() => x.readIntegers(), closed);
  assert.throws(() => x.write(new Float32Array(256 * 512)), closed);
  assert.throws(() => scope.tensor('y', [1], 'f32'), closed);
  assert.throws(() => backend.createScope('late'), closed);
  assert.throws(() => backend.plan('late', () => {}), closed);
  const bytes = new Uint8Array(64);
  assert.throws(() => backend.weight({ name: 'w', shape: [32], dtype: 'bf16', bytes }), closed);
  scope.release();
});

test('a scope of more than the kept memory may be released after close', { skip }, async () => {
  const backend = target!.create(1);
  const scope = backend.createScope('large');
  scope.tensor('large', [300 * 2 ** 20], 'f32');
  await backend.close();
  scope.release();
});

test('precision bf16 is refused where the level has no dot product for it', {
  skip: targets[0]!.missing,
}, async () => {
  const machine = { capabilities: { pairDot: false }, isa: 'avx2' } as never;
  assert.throws(
    () => createCompiledBackend({ machine, precision: 'bf16', regionBytes: 1 }),
    oneLineError('unsupported', /avx2/),
  );
});

test('caches of 700 and 1200 s of the published shapes fit in f32, however long an array may be', {
  skip,
}, async () => {
  const f32 = targets.find(({ missing, precision }) => missing === false && precision === 'f32')!;
  const backend = f32.create(1);
  for (const seconds of [700, 1200]) {
    const scope = backend.createScope(`${seconds} s`);
    // 13 audio tokens and a budget of 12 tokens a second.
    scope.kvCache({ layers: 28, sequences: 1, capacity: 25 * seconds + 20, kvHeads: 8, headDim: 128 });
    scope.release();
  }
  await backend.close();
});
