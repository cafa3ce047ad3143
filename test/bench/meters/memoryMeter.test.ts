import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { MemoryMeter, risingPeak } from '../../../src/bench/meters/runMeters.js';

const MEGABYTE = 2 ** 20;

/** Takes memory from the system and really uses it, then lets go of it. */
function use(megabytes: number): void {
  const block = Buffer.alloc(megabytes * MEGABYTE);
  for (let at = 0; at < block.length; at += 4096) block[at] = 1;
}

test('what a phase used and gave back is seen in that phase and in the run', (t) => {
  if (!existsSync('/proc/self/clear_refs')) return t.skip('this system has no resettable peak');
  assert.ok(globalThis.gc === undefined, 'collected by hand the block would live too short or too long');
  const meter = new MemoryMeter();
  meter.start();
  meter.mark('mel');
  use(64);
  meter.mark('prefill');
  const { mel, prefill, run } = meter.stop();
  meter.close();
  assert.ok(typeof mel === 'number' && typeof prefill === 'number');
  assert.ok(prefill - mel > 60 * MEGABYTE, `${prefill} after ${mel}`);
  assert.ok(prefill - mel < 80 * MEGABYTE, `${prefill} after ${mel}`);
  assert.ok(run >= prefill);
});

test('a phase that ends twice keeps its higher peak; a new run forgets', () => {
  const meter = new MemoryMeter();
  meter.start();
  use(64);
  meter.mark('decode');
  meter.mark('decode');
  const first = meter.stop();
  meter.start();
  const second = meter.stop();
  meter.close();
  assert.ok((first.decode ?? 0) > 30 * MEGABYTE);
  assert.ok(first.run >= (first.decode ?? 0));
  assert.deepEqual(Object.keys(second), ['run']);
});

test('where the mark cannot be reset, the highest peak so far is seen, and what is resident when there is none', () => {
  let [highest, resident] = [100, 90];
  const source = risingPeak(
    () => highest,
    () => resident,
  );
  assert.equal(source.next(), 90);
  highest = 150; // between two marks, and given back
  assert.equal(source.next(), 150);
  resident = 120;
  assert.equal(source.next(), 120);
});
