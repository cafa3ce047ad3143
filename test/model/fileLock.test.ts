import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tryToLock } from '../../src/model/fileLock.js';
import { temporaryDirectory } from './support/temporaryDirectory.js';

const PROCESSES = 6;
const DEATHS = 40;
const CHILD = fileURLToPath(new URL('support/lockProcess.js', import.meta.url));

test('of many processes that wait for a lock one has it, also when its holder is killed', async (t) => {
  const folder = temporaryDirectory(t);
  const path = join(folder, 'many');
  let deaths = 0;
  const runChildren = async (): Promise<void> => {
    while (deaths < DEATHS) {
      const child = spawn(process.execPath, [CHILD, path], { stdio: 'ignore' });
      const signal = await new Promise((resolve) => child.on('exit', (_, by) => resolve(by)));
      if (signal === null) return;
      assert.equal(signal, 'SIGKILL');
      if (++deaths === DEATHS) writeFileSync(`${path}.stop`, '');
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, runChildren));
  const events = readFileSync(`${path}.log`, 'utf8').trim().split('\n');
  assert.ok(events.length > 2 * DEATHS);
  for (let i = 0; i < events.length; i += 2) {
    const [pid, what] = events[i]!.split(' ');
    assert.equal(what, 'enters', `line ${i}: two had the lock`);
    assert.match(
      events[i + 1] ?? '',
      new RegExp(`^${pid} (leaves|dies)$`),
      `line ${i + 1}: two had the lock`,
    );
  }
  // The last to die left its lock; what stood beside it for a moment is gone.
  const taken = tryToLock(path);
  assert.ok(typeof taken === 'function');
  taken();
  assert.deepEqual(readdirSync(folder).sort(), ['many.log', 'many.stop']);
});

test('who was killed while it took over a lock holds nobody up', (t) => {
  const folder = temporaryDirectory(t);
  const path = join(folder, 'twice');
  // Numbers of processes that there cannot be: of who had the lock, and of who had its lock.
  const left = '4194998 1\nfirst';
  const id = createHash('sha256').update(left).digest('hex').slice(0, 16);
  writeFileSync(`${path}.lock`, left);
  writeFileSync(`${path}.${id}.lock`, '4194999 1\nsecond');
  const taken = tryToLock(path);
  assert.ok(typeof taken === 'function');
  taken();
  assert.deepEqual(readdirSync(folder), []);
});

test('a lock that somebody else has by now stays', (t) => {
  const path = join(temporaryDirectory(t), 'other');
  const unlock = tryToLock(path);
  assert.ok(typeof unlock === 'function');
  rmSync(`${path}.lock`);
  writeFileSync(`${path}.lock`, `${process.ppid} \n`);
  unlock();
  assert.ok(existsSync(`${path}.lock`));
});
