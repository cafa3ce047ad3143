import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePause } from '../../src/runtime/nextTurn.js';
import { oneLineError } from '../model/support/oneLineError.js';

test('lets timers run only when enough time has passed', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const pause = makePause('aborted');
  const start = performance.now();
  for (let step = 0; step < 100; step++) await pause();
  // On a machine so busy that 100 steps take long, letting timers run is right.
  if (performance.now() - start < 20) assert.equal(turns, 0);
  for (const end = performance.now() + 25; performance.now() < end; );
  await pause();
  assert.ok(turns > 0);
  clearInterval(timer);
});

test('notices an abort at once', async () => {
  const controller = new AbortController();
  const pause = makePause('counting was aborted', controller.signal);
  await pause();
  controller.abort();
  await assert.rejects(pause(), oneLineError('aborted', /^counting was aborted$/));
});
