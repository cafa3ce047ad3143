import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { noMachineCode } from './support/nativeConfigurations.js';

const CHILD = new URL('support/workerChild.js', import.meta.url);
const GIB = 2 ** 30;

const skip = await noMachineCode();

/** Runs a worker that loads a model and leaves it open. */
async function runWorker(end: string): Promise<void> {
  const worker = new Worker(CHILD, { workerData: end });
  const ended = once(worker, 'exit');
  const [audioTokens] = await once(worker, 'message');
  assert.equal(audioTokens, 13);
  if (end === 'terminate() while it computes') await setTimeout(30);
  if (end.startsWith('terminate')) await worker.terminate();
  await ended;
}

/** Threads, mappings of weights, and regions of the arena that this process holds. */
function holdings() {
  const mappings = readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n');
  const bytesOf = (line: string): number => {
    const [start, end] = line.split(' ')[0]!.split('-') as [string, string];
    return Number.parseInt(end, 16) - Number.parseInt(start, 16);
  };
  return {
    threads: readdirSync('/proc/self/task').length,
    weights: mappings.filter((line) => line.endsWith('.safetensors')).length,
    regions: mappings.filter((line) => line.includes(' rw-p ') && bytesOf(line) >= GIB).length,
  };
}

test('a worker that ends with an open model leaves nothing of it behind, however it ends', {
  skip,
}, async () => {
  await runWorker('its last line'); // Node starts threads of its own with the first
  const before = holdings();
  for (const end of [
    'its last line',
    'process.exit',
    'terminate() while it waits',
    'terminate() while it computes',
  ]) {
    await runWorker(end);
    assert.deepEqual(holdings(), before, end);
  }
});
