import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryToLock } from '../../../src/model/fileLock.js';

// A process that takes a lock again and again until a file `stop` stands beside it, and is killed now and then while it
// has it: `node lockProcess.js PATH`. What it does stands in `PATH.log`, each line written at once.
const [path = ''] = process.argv.slice(2);
const log = (what: string) => appendFileSync(`${path}.log`, `${process.pid} ${what}\n`);
while (!existsSync(`${path}.stop`)) {
  const unlock = tryToLock(path);
  if (typeof unlock !== 'function') {
    await sleep(Math.random() * 2);
    continue;
  }
  log('enters');
  await sleep(Math.random() * 2);
  if (Math.random() < 0.3) {
    log('dies');
    process.kill(process.pid, 'SIGKILL');
  }
  log('leaves');
  unlock();
}
