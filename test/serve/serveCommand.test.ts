import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { type CliOutcome, runCli } from '../support/runCli.js';
import { documentOf, sampleForm } from './support/sampleForm.js';

const TEXT = readGolden('demo/timer-en').text;
const KEY = 'a-key-of-the-test';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-serve-'));
after(() => rmSync(scratch, { recursive: true }));

interface ServerProcess {
  readonly address: string;
  readonly child: ChildProcess;
  readonly outcome: Promise<CliOutcome>;
}

/** `qwen_asr serve`, once it says where it is. */
function startProcess(args: readonly string[], env: Record<string, string> = {}): Promise<ServerProcess> {
  return new Promise((resolve, reject) => {
    const outcome = runCli('qwen_asr', ['serve', '--port', '0', '-t', '1', ...args], {
      env,
      onOutput: (stdout, child) => {
        const [, address] = / at (http:\/\/\S+)\n$/.exec(stdout) ?? [];
        if (address !== undefined) resolve({ address, child, outcome });
      },
    });
    void outcome.then(({ stderr }) => reject(new Error(stderr)));
  });
}

test('SIGTERM under load: all that was taken is answered, and the exit code is 0', async () => {
  const spool = join(scratch, 'spool');
  const args = ['-d', demoModelDir, '--batch', '2', '--spool', spool];
  const { address, child, outcome } = await startProcess(args, { QWEN_ASR_API_KEYS: `other, ${KEY}` });
  const headers = { authorization: `Bearer ${KEY}` };
  const post = (fields: Record<string, string>) =>
    fetch(`${address}/v1/audio/transcriptions`, { method: 'POST', body: sampleForm(fields), headers });
  assert.equal((await fetch(`${address}/v1/models`)).status, 401);
  const { data } = await documentOf(await fetch(`${address}/v1/models`, { headers }));
  assert.deepEqual(
    data.map(({ id }: { id: string }) => id),
    ['demo', 'whisper-1', 'gpt-4o-transcribe'],
  );
  const running = Array.from({ length: 24 }, (_, i) =>
    post({ prompt: 'my-secret-prompt', stream: i % 2 === 0 ? 'true' : 'false' }),
  );
  while ((await documentOf(await fetch(`${address}/health`))).requests < 24) await setTimeout(1);
  child.kill('SIGTERM');
  for (const answer of await Promise.all(running)) {
    assert.equal(answer.status, 200);
    const last = (await answer.text()).trim().split('\n\n').at(-1)!;
    assert.equal(JSON.parse(last.replace(/^data: /, '')).text, TEXT);
  }
  // Nothing that clients sent is written anywhere, and no upload is left.
  assert.deepEqual(await outcome, { code: 0, stdout: `demo at ${address}\n`, stderr: '' });
  assert.deepEqual(readdirSync(spool), []);
});

test('a model of the hub has its names, and others that were given', async () => {
  const snapshots = join(scratch, 'models--Qwen--Qwen3-ASR-0.6B', 'snapshots');
  mkdirSync(snapshots, { recursive: true });
  symlinkSync(demoModelDir, join(snapshots, 'abc'));
  const args = ['-d', join(snapshots, 'abc'), '--alias', 'mine', '--alias', 'ours'];
  const { address, child, outcome } = await startProcess(args);
  const { data } = await documentOf(await fetch(`${address}/v1/models`));
  assert.deepEqual(
    data.map(({ id }: { id: string }) => id),
    ['Qwen/Qwen3-ASR-0.6B', 'Qwen3-ASR-0.6B', 'mine', 'ours'],
  );
  const one = await fetch(`${address}/v1/models/Qwen/Qwen3-ASR-0.6B`);
  assert.equal((await documentOf(one)).id, 'Qwen/Qwen3-ASR-0.6B');
  child.kill('SIGINT');
  assert.equal((await outcome).code, 0);
});

test('what must not be is refused in one line', async () => {
  const empty = join(scratch, 'keys');
  writeFileSync(empty, '# none\n\n');
  for (const [args, line] of [
    [['--host', '0.0.0.0'], /^error: --host 0\.0\.0\.0: expected a key for an address .* or --no-auth\n$/],
    [['--tls-cert', 'a.pem'], /^error: --tls-cert and --tls-key: expected both, found one\n$/],
    [['--key-file', empty], /^error: --key-file \S+: expected a key in a line, found none\n$/],
    [['--queue', 'redis://127.0.0.1:6379'], /^error: --queue: expected --spool DIR, .*\n$/],
    [['--queue', '64'], /^error: --queue: expected an address such as redis:\S+\n$/],
    [['--port', '70000'], /^error: --port: .*70000.*\n$/],
  ] as const) {
    const { code, stderr } = await runCli('qwen_asr', ['serve', '-d', demoModelDir, ...args]);
    assert.equal(code, 1);
    assert.match(stderr, line);
  }
});
