import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeldParts } from '../../src/transcribe/modelTurns.js';
import { ModelTurns } from '../../src/transcribe/modelTurns.js';

/** Turns on a model that notes what happens to it, and tasks that end when they are told to. */
function fakeModel() {
  const events: string[] = [];
  const ends = new Map<string, (failure?: Error) => void>();
  const parts = {
    backend: { close: async () => void events.push('backend closed') },
    releaseFiles: () => void events.push('files released'),
  } as unknown as HeldParts;
  const turns = new ModelTurns(parts, 'the model is closed');
  const task = (name: string) => () => {
    events.push(`${name} begins`);
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (failure) => {
        events.push(`${name} ends`);
        if (failure === undefined) resolve(name);
        else reject(failure);
      });
    });
  };
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { turns, events, task, end: (name: string, failure?: Error) => ends.get(name)?.(failure), settled };
}

test('tasks run one at a time in the order of their calls, whether they end well or badly', async () => {
  const { turns, events, task, end, settled } = fakeModel();
  const runs = ['a', 'b', 'c'].map((name) => turns.run(task(name), undefined));
  const outcomes = Promise.allSettled(runs);
  assert.deepEqual(events, ['a begins']);
  end('a', new Error('bad'));
  await settled();
  // Who comes now comes after those that wait.
  const late = turns.run(task('late'), undefined);
  end('b');
  await settled();
  end('c');
  await settled();
  end('late');
  assert.deepEqual(
    (await outcomes).map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message,
    ),
    ['bad', 'b', 'c'],
  );
  assert.equal(await late, 'late');
  assert.deepEqual(
    events,
    ['a', 'b', 'c', 'late'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test('a task that starts another one from its own end lets those that wait in first', async () => {
  const { turns, events, task, end, settled } = fakeModel();
  const first = turns.run(task('a'), undefined).then(() => turns.run(task('again'), undefined));
  const second = turns.run(task('b'), undefined);
  end('a');
  await settled();
  assert.deepEqual(events.slice(-1), ['b begins']);
  end('b');
  await settled();
  end('again');
  assert.deepEqual(await Promise.all([first, second]), ['again', 'b']);
});

test('a task gives up waiting as soon as its signal fires, and nobody overtakes those before it', async () => {
  const { turns, events, task, end, settled } = fakeModel();
  const controller = new AbortController();
  const first = turns.run(task('a'), undefined);
  const waiting = turns.run(task('given up'), controller.signal);
  const last = turns.run(task('c'), undefined);
  controller.abort();
  await assert.rejects(waiting, { code: 'aborted' });
  assert.deepEqual(events, ['a begins']);
  end('a');
  await settled();
  end('c');
  assert.deepEqual(await Promise.all([first, last]), ['a', 'c']);
  assert.deepEqual(events, ['a begins', 'a ends', 'c begins', 'c ends']);
  await assert.rejects(turns.run(task('never'), AbortSignal.abort()), { code: 'aborted' });
  assert.equal(events.length, 4);
});

test('closing ends the backend at once, refuses those that wait, and releases the files after the running task', async () => {
  const { turns, events, task, end, settled } = fakeModel();
  const running = turns.run(task('a'), undefined);
  const waiting = turns.run(task('b'), undefined);
  const closing = [turns.close(), turns.close()];
  await assert.rejects(turns.run(task('c'), undefined), { code: 'closed', message: 'the model is closed' });
  await settled();
  assert.deepEqual(events, ['a begins', 'backend closed']);
  end('a');
  await assert.rejects(waiting, { code: 'closed' });
  assert.equal(await running, 'a');
  await Promise.all(closing);
  assert.deepEqual(events, ['a begins', 'backend closed', 'a ends', 'files released']);
  const idle = fakeModel();
  await idle.turns.close();
  assert.deepEqual(idle.events, ['backend closed', 'files released']);
});
