import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { selfTest } from '../../../src/ops/compiled/selfTest.js';
import { findProcessor } from '../../../src/runtime/processor.js';
import { openDarwin } from '../../../src/runtime/system/darwin.js';
import { loadNative } from '../../../src/runtime/system/loadNative.js';
import { macOnLinux } from '../../runtime/support/macOnLinux.js';
import { protectionAt } from '../../runtime/support/memoryMap.js';

const native = await loadNative();
const processor = typeof native === 'string' ? native : findProcessor(native);
const skip =
  typeof processor === 'string'
    ? processor
    : process.platform !== 'linux' && 'what macOS has is made on Linux';

for (const kind of ['osSync', 'ulock'] as const) {
  test(`with what macOS has, ${kind} among it, the self-test passes: code, memory, threads that sleep and wake`, {
    skip,
  }, async () => {
    const { koffi, waited } = await macOnLinux(kind);
    const darwin = openDarwin(koffi);
    assert.equal(darwin.waits.kind, kind);
    assert.equal(await selfTest(darwin), null);
    assert.ok(waited() > 0, 'nobody slept');

    const address = darwin.reserve(2 * darwin.pageBytes);
    const bytes = new Uint8Array(darwin.view(address, 2 * darwin.pageBytes)).fill(7);
    darwin.discard(address, darwin.pageBytes);
    assert.deepEqual([bytes[0], bytes[darwin.pageBytes - 1], bytes[darwin.pageBytes]], [0, 0, 7]);
    darwin.release(address, 2 * darwin.pageBytes);
  });
}

test('what a worker thread of Node holds there is given back when it is ended', { skip }, async () => {
  const urls = ['../../runtime/support/macOnLinux.js', '../../../src/runtime/system/darwin.js'].map(
    (path) => new URL(path, import.meta.url).href,
  );
  const worker = new Worker(
    `const { parentPort, workerData: [mac, darwin] } = require('node:worker_threads');
     Promise.all([import(mac), import(darwin)]).then(async ([{ macOnLinux }, { openDarwin }]) => {
       const system = openDarwin((await macOnLinux('osSync')).koffi);
       parentPort.postMessage([system.reserve(system.pageBytes), system.reserve(system.pageBytes)]);
       setInterval(() => {}, 1000);
     });`,
    { eval: true, workerData: urls, execArgv: [] },
  );
  const [addresses] = (await once(worker, 'message')) as [number[]];
  assert.deepEqual(addresses.map(protectionAt), ['rw-p', 'rw-p']);
  await worker.terminate();
  assert.deepEqual(addresses.map(protectionAt), [null, null]);
});
