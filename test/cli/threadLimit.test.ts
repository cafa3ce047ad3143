import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { CLI_ENTRIES } from '../support/runCli.js';
import { noMachineCode } from '../transcribe/support/nativeConfigurations.js';

const CLIP = join(demoModelDir, 'samples', 'light-en.wav');

/** Node alone has 10 or 11 threads; with these limits some, but not all, of 4 threads more can be started. */
const LIMITS = [10, 11, 12, 13, 14, 15];

/** A user with no other process: the limit counts all threads of a user, and does not hold for root. */
const USER = String(100_000 + process.pid);

/** Runs the command as that user, who may have so many threads. */
function runLimited(threads: number, args: readonly string[]) {
  const user = ['--reuid', USER, '--regid', USER, '--clear-groups'];
  const limit = ['prlimit', `--nproc=${threads}`, process.execPath, CLI_ENTRIES.qwen_asr];
  return spawnSync('setpriv', [...user, ...limit, ...args], { encoding: 'utf8', timeout: 120_000 });
}

function cannotLimit(): string | false {
  if (process.getuid?.() !== 0) return 'only root can become a user that has no other process';
  const { status, stderr } = runLimited(1000, ['--version']);
  return status !== 0 && `setpriv and prlimit do not work here: ${stderr}`;
}

const skip = cannotLimit();

for (const backend of ['wasm', 'x64']) {
  const missing = skip || (backend === 'x64' && (await noMachineCode()));
  test(`${backend}: a limit on threads leaves fewer of them and a note`, { skip: missing }, () => {
    let noted = 0;
    for (const limit of LIMITS) {
      const args = ['-d', demoModelDir, '-i', CLIP, '--backend', backend, '-t', '4'];
      const { status, signal, stdout, stderr, error } = runLimited(limit, args);
      assert.equal(error, undefined, `${limit} threads: ${error?.message}`);
      if (signal === 'SIGABRT') continue; // Node's own pool of threads did not fit
      assert.deepEqual([status, stdout], [0, 'Turn on the kitchen light.\n'], `${limit} threads: ${stderr}`);
      if (stderr === '' || /^note: more threads \(-t\) than the .* available/.test(stderr)) continue;
      const note = new RegExp(
        `^note: the ${backend} backend runs on [123] threads?, not 4: the system refuses more \\(EAGAIN\\)\n$`,
      );
      assert.match(stderr, note);
      noted++;
    }
    assert.ok(noted > 0, 'no limit left some threads and not all');
  });
}
