import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RunMeters } from '../../../src/bench/meters/runMeters.js';
import type { CommandCellPlan } from '../../../src/bench/plan/benchPlan.js';
import { loadBenchmarkAudio } from '../../../src/bench/run/cellSession.js';
import { openCell } from '../../../src/bench/run/openCell.js';
import { checkCommandTemplate, fillCommand } from '../../../src/bench/run/openCommandCell.js';
import { ModelPool } from '../../../src/bench/run/openModelCell.js';
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

/** Names that fall apart, or run something, where a shell reads them as part of a command. */
const ODD_NAMES = [
  'two words.wav',
  "it's.wav",
  'say "hi".wav',
  '$(touch pwned).wav',
  '`touch pwned`.wav',
  'back\\slash \\" end\\',
  'line\nfeed.wav',
  '; touch pwned; #.wav',
  "'; touch pwned; '.wav",
  '"; touch pwned; ".wav',
  '$HOME*?[a].wav',
  '{model}.wav',
  '-rf.wav',
];

test('names of any characters arrive as they are, whatever quotes the user puts around them', {
  skip: process.platform === 'win32' && 'the command interpreter of Windows has other rules',
}, () => {
  const echo = `'${process.execPath}' -e 'console.log(JSON.stringify(process.argv.slice(1)))' --`;
  for (const audio of ODD_NAMES) {
    const name = audio.startsWith('-') ? `./${audio}` : audio;
    for (const [word, expected] of [
      ['{audio}', name],
      ['"{audio}"', name],
      ["'{audio}'", name],
      ['--input={audio}', `--input=${name}`],
      ['"--input={audio}"', `--input=${name}`],
      ["-i'{audio}'{threads}", `-i${name}3`],
      ['"$(printf %s "{audio}x")"', `${name}x`],
      ['{audio}{model}', `${name}/my model`],
    ] as const) {
      const { command, variables } = fillCommand(`${echo} ${word}`, {
        audio,
        model: '/my model',
        threads: 3,
      });
      const env = { ...process.env, ...variables };
      const { stdout } = spawnSync(command, { shell: true, cwd: scratch, env, encoding: 'utf8' });
      assert.deepEqual(JSON.parse(stdout), [expected], `${JSON.stringify(audio)} in ${word}`);
      assert.ok(!existsSync(join(scratch, 'pwned')), `${JSON.stringify(audio)} in ${word}`);
    }
    // Within a script a name with such characters would be read as part of it.
    for (const script of ['sh -c "other {audio}"', "sh -c 'other {audio} | cat'", 'eval other {audio}']) {
      if (audio === '-rf.wav') continue;
      assert.throws(
        () => fillCommand(script, { audio, model: 'm', threads: 1 }),
        /expected \{audio\} as a word of its own/,
      );
    }
  }
});

test('plain names stand in the command as they are, in scripts too', () => {
  const values = { audio: '/tmp/a-1.wav', model: 'models/demo', threads: 4 };
  assert.deepEqual(fillCommand('sh -c "other -m {model} -t{threads} {audio}"', values), {
    command: 'sh -c "other -m models/demo -t4 /tmp/a-1.wav"',
    variables: {},
  });
  const variable = '$\u007bHOME}';
  for (const command of [`other ${variable} {audio}`, "awk '{ print }'", 'true'])
    checkCommandTemplate(command);
  assert.throws(() => checkCommandTemplate('  '), /--vs-cmd: expected a command, found an empty one/);
  assert.throws(() => checkCommandTemplate('other {file}'), /expected the placeholders .* found \{file\}/);
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
  await cell.close();
  const failing = openCommand(
    scriptCommand('fail.cjs', 'console.log(process.argv[2]); process.exit(4)', '{audio}'),
  );
  const error: unknown = await failing.catch((thrown: unknown) => thrown);
  const path = /(\S+silence\.wav)$/.exec((error as Error).message)?.[1] ?? '';
  assert.ok(path.endsWith('silence.wav') && !existsSync(path), path);
});

test('a command that fails is named, with its status and the last it said', async () => {
  await assert.rejects(
    openCommand(scriptCommand('bad.cjs', 'console.error("no such model"); process.exit(7)')),
    (error) =>
      error instanceof QwenAsrError &&
      /^--vs-cmd: expected exit code 0 of ".*bad\.cjs.*", found 7: no such model$/.test(error.message),
  );
  await assert.rejects(openCommand('/no/such/program'), /found 127/);
});

test('an abort ends the command and everything it has started', async () => {
  const marker = join(scratch, 'marker');
  const script = `setTimeout(() => require('fs').writeFileSync(${JSON.stringify(marker)}, ''), 1500);`;
  const controller = new AbortController();
  setTimeout(() => controller.abort(new QwenAsrError('aborted', 'stopped')), 200);
  const running = openCommand(`true && ${scriptCommand('long.cjs', script)}`, controller.signal);
  await assert.rejects(running, { code: 'aborted' });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  assert.ok(!existsSync(marker), 'it lived on');
});
