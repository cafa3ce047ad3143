import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../support/projectRoot.js';

test('the page compiles with the types of a browser', () => {
  const compiler = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [compiler, '-p', join(projectRoot, 'web')];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 180_000 });
  assert.equal(status, 0, stdout);
});
