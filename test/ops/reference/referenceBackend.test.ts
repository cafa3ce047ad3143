import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../../src/error.js';
import type { Backend, Pass, Tensor } from '../../../src/ops/operators.js';
import { createReferenceBackend } from '../../../src/ops/reference/referenceBackend.js';

function code(expected: string): (error: unknown) => boolean {
  return (error) => error instanceof QwenAsrError && error.code === expected;
}

/** A pass of `operators` identity products on `size`×`size` values, a measurable while each. */
function slowPass(backend: Backend, size: number, operators: number): { pass: Pass; x: Tensor } {
  const x = backend.createScope('slow').tensor('x', [size, size], 'f32');
  const bytes = new Uint8Array(new Float32Array(size * size).buffer);
  const weight = backend.weight({ name: 'w', shape: [size, size], dtype: 'f32', bytes });
  const pass = backend.plan('slow', (ops) => {
    for (let i = 0; i < operators; i++) ops.linear({ x, weight, y: x });
  });
  return { pass, x };
}

test('says what it is', async () => {
  const { name, isa, precision, threadCount } = createReferenceBackend();
  assert.deepEqual(
    { name, isa, precision, threadCount },
    {
      name: 'reference',
      isa: 'scalar',
      precision: 'f32',
      threadCount: 1,
    },
  );
});

test('tensors: row views share memory, sizes are checked', () => {
  const scope = createReferenceBackend().createScope('s');
  const x = scope.tensor('x', [3, 2], 'f32');
  x.rows(1, 3).write(Float32Array.of(1, 2, 3, 4));
  assert.deepEqual([...x.read()], [0, 0, 1, 2, 3, 4]);
  assert.deepEqual(x.rows(1, 3).rows(1, 2).shape, [1, 2]);
  assert.deepEqual([...x.rows(1, 3).rows(1, 2).read()], [3, 4]);
  const copy = x.read();
  copy.fill(9);
  assert.deepEqual([...x.rows(0, 1).read()], [0, 0]);
  const ids = scope.tensor('ids', [2], 'i32');
  ids.write(Int32Array.of(2 ** 30 + 1, -1));
  assert.deepEqual([...ids.readIntegers()], [2 ** 30 + 1, -1]);
  assert.throws(() => x.write(new Float32Array(5)), code('internal'));
  assert.throws(() => x.rows(2, 4), code('internal'));
});

test('activationBytes counts what scopes hold and release gives it back', () => {
  const backend = createReferenceBackend();
  const first = backend.createScope('first');
  first.tensor('x', [10, 2], 'operand');
  first.featureMap('m', { chunks: 1, channels: 2, height: 3, width: 4 });
  const second = backend.createScope('second');
  const cache = { layers: 2, sequences: 1, capacity: 5, kvHeads: 1, headDim: 2 };
  second.kvCache(cache);
  assert.equal(backend.activationBytes, 4 * (20 + 24 + 2 * 2 * 10));
  second.release();
  assert.equal(backend.activationBytes, 4 * 44);
  second.release();
  assert.equal(backend.activationBytes, 4 * 44);
  assert.throws(() => second.tensor('y', [1], 'f32'), code('internal'));
});

test('probes are seen in order, as copies, and only by passes planned with an observer', async () => {
  const backend = createReferenceBackend();
  const x = backend.createScope('s').tensor('x', [1, 2], 'f32');
  const bytes = new Uint8Array(Float32Array.of(2, 0, 0, 2).buffer);
  const weight = backend.weight({ name: 'w', shape: [2, 2], dtype: 'f32', bytes });
  const seen: [string, number[], readonly number[]][] = [];
  const build = (ops: Parameters<Parameters<Backend['plan']>[1]>[0]) => {
    ops.probe('before', x);
    // The second product reads what the first wrote.
    ops.linear({ x, weight, residual: x, y: x });
    ops.probe('after', x);
  };
  x.write(Float32Array.of(1, 5));
  await backend.plan('quiet', build).run();
  assert.equal(seen.length, 0);
  x.write(Float32Array.of(1, 5));
  await backend.plan('seen', build, (stage, values, shape) => seen.push([stage, [...values], shape])).run();
  assert.deepEqual(seen[0], ['before', [1, 5], [1, 2]]);
  assert.equal(seen[1]![0], 'after');
});

test('passes run one at a time, in the order of their calls', async () => {
  const backend = createReferenceBackend();
  const { pass } = slowPass(backend, 150, 4);
  const order: string[] = [];
  const note = (name: string) =>
    backend.plan(
      name,
      (ops) => ops.probe(name, x),
      () => order.push(name),
    );
  const x = backend.createScope('s').tensor('x', [1], 'f32');
  const [a, b] = [note('a'), note('b')];
  const done = [pass.run(), a.run(), pass.run(), b.run(), a.run()];
  await Promise.all(done);
  assert.deepEqual(order, ['a', 'b', 'a']);
});

test('a long pass lets the event loop turn, and stops when its signal fires', async () => {
  const backend = createReferenceBackend();
  const { pass } = slowPass(backend, 300, 1000);
  const abort = new AbortController();
  let turns = 0;
  const timer = setInterval(() => {
    turns++;
    if (turns === 3) abort.abort();
  }, 1);
  await assert.rejects(pass.run(abort.signal), code('aborted'));
  clearInterval(timer);
  assert.ok(turns >= 3);
  await assert.rejects(pass.run(AbortSignal.abort()), code('aborted'));
  await backend.plan('next', () => {}).run();
});

test('close ends the running pass and refuses everything after', async () => {
  const backend = createReferenceBackend();
  const { pass, x } = slowPass(backend, 300, 1000);
  const running = assert.rejects(pass.run(), code('closed'));
  const waiting = assert.rejects(pass.run(), code('closed'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await backend.close();
  await Promise.all([running, waiting]);
  await assert.rejects(pass.run(), code('closed'));
  assert.throws(() => x.read(), code('closed'));
  assert.throws(() => x.write(x.read()), code('closed'));
  assert.throws(() => backend.createScope('s'), code('closed'));
  assert.throws(() => backend.plan('p', () => {}), code('closed'));
  assert.throws(
    () => backend.weight({ name: 'w', shape: [0], dtype: 'f32', bytes: new Uint8Array(0) }),
    code('closed'),
  );
  await backend.close();
});
