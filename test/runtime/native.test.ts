import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { test } from 'node:test';
import { loadNative, openNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';
import { oneLineError } from '../model/support/oneLineError.js';

const native = await loadNative();
const skip = typeof native === 'string' && native;
const isElsewhere = process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch);

/** A function that does nothing: `ret`, by the manuals of Intel and Arm. */
const RETURN = process.arch === 'arm64' ? [0xc0, 0x03, 0x5f, 0xd6] : [0xc3];

test('without koffi there is a line that says so', {
  skip: isElsewhere && 'machine code runs elsewhere',
}, async () => {
  const missing = await openNative(() =>
    Promise.reject(new Error("Cannot find package 'koffi'\nrequire stack: …")),
  );
  assert.equal(missing, "the optional package koffi cannot be loaded (Cannot find package 'koffi')");
  const broken = await openNative(() => Promise.resolve({} as never));
  assert.match(String(broken), /^this system lacks what machine code needs \(.*\)$/);
  const strange = await openNative(() => Promise.reject('nothing'));
  assert.equal(strange, 'the optional package koffi cannot be loaded (nothing)');
});

test('it is loaded once', async () => {
  assert.equal(await loadNative(), native);
});

test('more memory than there are addresses is an error', { skip }, () => {
  assert.throws(() => (native as Native).reserve(2 ** 52), oneLineError('memory', /4503599627370496 bytes/));
});

test('more than an array can hold is an error, not the end of the process', {
  skip:
    skip || (constants.MAX_LENGTH > 2 ** 46 && 'arrays of this version hold more than there are addresses'),
}, () => {
  const byteLength = constants.MAX_LENGTH + 1;
  assert.throws(() => (native as Native).reserve(byteLength), oneLineError('memory', /more than an array/));
  assert.throws(
    () => (native as Native).mapFile(-1, byteLength, 'some/where'),
    oneLineError('unsupported', /^some\/where: expected at most \d+ bytes, .*found \d+$/),
  );
});

test('what is no file cannot be mapped', { skip }, () => {
  assert.equal((native as Native).mapFile(-1, 4096, 'some/where'), null);
});

test('declaring functions again and again costs no memory', { skip }, () => {
  const system = native as Native;
  const page = system.reserve(4096);
  new Uint8Array(system.view(page, 4096)).set(RETURN);
  system.seal(page, 4096);
  const declare = (count: number): number => {
    const before = process.memoryUsage.rss();
    for (let i = 0; i < count; i++) system.functionAt(page, 3).call(1, 2, 3);
    return process.memoryUsage.rss() - before;
  };
  declare(20_000);
  // The heap may grow in one round before it is collected; a leak grows in all of them.
  const growth = Math.min(...[1, 2, 3, 4].map(() => declare(50_000)));
  assert.ok(growth < 20e6, `${growth} bytes`);
  system.release(page, 4096);
});
