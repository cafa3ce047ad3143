import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CommandCellPlan } from '../../../src/bench/plan/benchPlan.js';
import { loadBenchmarkAudio } from '../../../src/bench/run/benchmarkAudio.js';
import { ModelPool } from '../../../src/bench/run/modelPool.js';
import { openCell } from '../../../src/bench/run/openCell.js';
import { checkCommand, fillCommand } from '../../../src/bench/run/openCommandCell.js';
import { RunMeters } from '../../../src/bench/run/runMeters.js';
import { QwenAsrError } from '../../../src/error.js';
import { FakeModel } from '../fakeModel.js';
import { fakePlan } from '../support/fakeCells.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-command-'));
after(() => rmSync(scratch, { recursive: true }));

/** A command that runs this script with Node; `$` stands for what is said to be filled in. */
function scriptCommand(name: string, script: string, rest = ''): string {
  const path = join(scratch, name);
  writeFileSync(path, script);
  return `'${process.execPath}' '${path}' ${rest}`;
}

async function openCommand(command: string, signal?: AbortSignal) {
  const plan: CommandCellPlan = {
    kind: 'command',
    id: 'other',
    label: 'other',
    command,
    audio: { kind: 'silence', seconds: 2 },
    model: '/models/my model',
    threads: 3,
  };
  const clip = await loadBenchmarkAudio(plan.audio);
  const pool = new ModelPool({ load: async () => new FakeModel() });
  const open = openCell({ plan: fakePlan(['base']), pool, meters: new RunMeters(), audio: () => clip });
  return open(plan, { signal });
}

test('placeholders are filled in and quoted where the shell needs it', () => {
  const values = { audio: "/tmp/it's here.wav", model: 'models/demo', threads: 4 };
  assert.equal(
    fillCommand('other -m {model} -t{threads} {audio} {model}', values),
    "other -m models/demo -t4 '/tmp/it'\\''s here.wav' models/demo",
  );
  const variable = '$\u007bHOME}';
  for (const command of [`other ${variable} {audio}`, "awk '{ print }'", 'true']) checkCommand(command);
  assert.throws(() => checkCommand('  '), /--vs-cmd: expected a command, found an empty one/);
  assert.throws(() => checkCommand('other {file}'), /expected the placeholders .* found \{file\}/);
});

test('its wall time is the total, and nothing else is known', async () => {
  const cell = await openCommand(scriptCommand('sleep.cjs', 'setTimeout(() => console.log("text"), 100)'));
  const run = await cell.run();
  await cell.close();
  assert.ok(run.totalMs >= 100 && run.totalMs === run.commandMs, `${run.totalMs} ${run.commandMs}`);
  assert.deepEqual([run.encodeMs, run.decodeMs, run.textTokens, run.tokenHash], [null, null, null, null]);
  assert.ok(Object.values(run.phases).every((ms) => ms === null));
});

test("the seed's lines count, on standard output or standard error", async () => {
  for (const stream of ['log', 'error']) {
    const line = 'run 1/1: total=120 ms  enc=80 ms  dec=30 ms  tokens=5  rt=0.1x';
    const cell = await openCommand(
      scriptCommand(`${stream}.cjs`, `console.${stream}(${JSON.stringify(line)})`),
    );
    const { totalMs, encodeMs, decodeMs, textTokens, commandMs } = await cell.run();
    await cell.close();
    assert.deepEqual([totalMs, encodeMs, decodeMs, textTokens], [120, 80, 30, 5]);
    assert.ok(commandMs !== null && commandMs > 0 && commandMs !== 120);
  }
});

test('silence becomes a WAV file that is removed at the end; all values arrive as one word each', async () => {
  const script = `const [model, threads, audio] = process.argv.slice(2);
    const wav = require('fs').readFileSync(audio);
    console.log('run 1/1: total=' + (wav.length - 44) + ' ms  enc=' + wav.readUInt32LE(24) + ' ms  dec=' + threads + ' ms');
    console.error(audio);
    if (model !== '/models/my model' || wav.subarray(44).some((byte) => byte !== 0)) process.exit(1);`;
  const cell = await openCommand(scriptCommand('args.cjs', script, '{model} {threads} {audio}'));
  const { totalMs, encodeMs, decodeMs } = await cell.run();
  assert.deepEqual([totalMs, encodeMs, decodeMs], [64_000, 16_000, 3]);
  const echo = await openCommand(
    scriptCommand('fail.cjs', 'console.log(process.argv[2]); process.exit(4)', '{audio}'),
  );
  const error: unknown = await echo.run().catch((thrown: unknown) => thrown);
  await cell.close();
  await echo.close();
  const path = /(\S+silence\.wav)$/.exec((error as Error).message)?.[1] ?? '';
  assert.ok(path.endsWith('silence.wav') && !existsSync(path), path);
});

test('a command that fails is named, with its status and the last it said', async () => {
  const cell = await openCommand(scriptCommand('bad.cjs', 'console.error("no such model"); process.exit(7)'));
  await assert.rejects(
    cell.run(),
    (error) =>
      error instanceof QwenAsrError &&
      /^--vs-cmd: expected exit code 0 of ".*bad\.cjs.*", found 7: no such model$/.test(error.message),
  );
  const missing = await openCommand('/no/such/program');
  await assert.rejects(missing.run(), /found 127/);
});

test('an abort ends the command and everything it has started', async () => {
  const marker = join(scratch, 'marker');
  const script = `setTimeout(() => require('fs').writeFileSync(${JSON.stringify(marker)}, ''), 700); setTimeout(() => {}, 900);`;
  const controller = new AbortController();
  const cell = await openCommand(`true && ${scriptCommand('long.cjs', script)}`, controller.signal);
  setTimeout(() => controller.abort(new QwenAsrError('aborted', 'stopped')), 200);
  const startMs = performance.now();
  await assert.rejects(cell.run(), { code: 'aborted' });
  assert.ok(performance.now() - startMs < 650);
  await new Promise((resolve) => setTimeout(resolve, 900));
  assert.ok(!existsSync(marker), 'it lived on');
});
