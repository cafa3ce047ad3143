import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noMachineCode } from './support/nativeConfigurations.js';
import { playScene } from './support/playScene.js';
import type { Holdings } from './support/resourceChild.js';

const skip = await noMachineCode();

test('a hundred times loading and closing leave no memory, threads, mappings or files behind', {
  skip,
}, async () => {
  const { code, result } = await playScene('cycles');
  assert.equal(code, 0);
  const [early, late] = result as [Holdings, Holdings];
  assert.ok(late.rssBytes <= early.rssBytes + 20e6, `${early.rssBytes} → ${late.rssBytes} bytes`);
  assert.equal(late.threads, early.threads);
  assert.equal(late.openFiles, early.openFiles);
  // V8's own heap takes and gives back some; one mapping a cycle would be 90.
  assert.ok(late.mappings <= early.mappings + 45, `${early.mappings} → ${late.mappings} mappings`);
});
