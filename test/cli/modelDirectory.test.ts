import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkUsage, synthesizeUsage } from '../../src/cli/modelCommands.js';
import { ProgressLine } from '../../src/cli/terminalScreen.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';
import { runHere } from '../support/runHere.js';

const asr = (...args: string[]) => runHere('qwen_asr', args);

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-model-'));
after(() => rmSync(scratch, { recursive: true }));

test('check passes the demo model and says that it is none of the published ones', async () => {
  const { code, stdout, stderr } = await asr('check', '-d', 'models/demo');
  assert.deepEqual([code, stderr], [0, '']);
  const lines = stdout.trimEnd().split('\n');
  assert.ok(lines.length >= 5, stdout);
  assert.ok(
    lines.slice(0, -1).every((line) => /^(ok|note): /.test(line)),
    stdout,
  );
  assert.equal(lines.at(-1), 'models/demo: usable (not a published model)');
});

test('check fails a model with a NaN, and names the tensor', async () => {
  const damaged = join(scratch, 'damaged');
  cpSync(demoModelDir, damaged, { recursive: true });
  const file = join(damaged, 'model.safetensors');
  const bytes = readFileSync(file);
  const headerBytes = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString());
  const name = 'thinker.model.norm.weight';
  // A bf16 NaN in element 1.
  bytes.writeUInt16LE(0x7fc0, 8 + headerBytes + header[name].data_offsets[0] + 2);
  writeFileSync(file, bytes);
  const { code, stdout } = await asr('check', '-d', damaged);
  assert.match(stdout, /^error: .*thinker\.model\.norm\.weight.*element 1$/m);
  assert.match(stdout, /: not usable \(not a published model\)\n$/);
  assert.equal(code, 1);
});

test('check refuses what is no directory in one line', async () => {
  const { code, stdout, stderr } = await asr('check', '-d', 'nowhere');
  assert.match(stderr, /^error: nowhere: .*\n$/);
  assert.deepEqual([code, stdout], [1, '']);
});

test('synthesize writes a directory that check passes and that transcribes', async () => {
  const directory = join(scratch, 'tiny');
  const written = await asr('synthesize', 'tiny', directory, '--seed', '7');
  assert.deepEqual(written, { code: 0, stdout: `${directory}: 0.08 GB written\n`, stderr: '' });
  assert.deepEqual(readdirSync(directory).sort(), [
    'config.json',
    'merges.txt',
    'model.safetensors',
    'vocab.json',
  ]);
  const checked = await asr('check', '-d', directory);
  assert.equal(checked.code, 0, checked.stdout);
  const clip = 'models/demo/samples/light-en.wav';
  const run = (model: string) => asr('-d', model, '-i', clip, '--max-tokens', '3', '--json');
  const [fromDisk, fromMemory] = [await run(directory), await run('synthetic:tiny:7')];
  assert.deepEqual(JSON.parse(fromDisk.stdout).tokenIds, JSON.parse(fromMemory.stdout).tokenIds);
});

test('a signal leaves no file that looks complete', async () => {
  const directory = join(scratch, 'stopped');
  const { code, stdout, stderr } = await runCli('qwen_asr', ['synthesize', '0.6b', directory], {
    onStart: (child) => {
      const timer = setInterval(() => {
        if (!existsSync(directory) || readdirSync(directory).length === 0) return;
        clearInterval(timer);
        child.kill('SIGTERM');
      }, 20);
    },
  });
  assert.deepEqual({ code, stdout, stderr }, { code: 143, stdout: '', stderr: '' });
  assert.deepEqual(readdirSync(directory), []);
});

test('the helps', async () => {
  assert.deepEqual(await asr('check', '-h'), { code: 0, stdout: checkUsage(), stderr: '' });
  const mistake = 'error: check: -d: expected a model directory, found none; -h explains\n';
  assert.deepEqual(await asr('check'), { code: 1, stdout: '', stderr: mistake });
  assert.deepEqual(await asr('synthesize', '-h'), { code: 0, stdout: synthesizeUsage(), stderr: '' });
  const half =
    'error: synthesize: expected a size (0.6b, 1.7b or tiny) and a directory, found tiny alone; -h explains\n';
  assert.deepEqual(await asr('synthesize', 'tiny'), { code: 1, stdout: '', stderr: half });
});

for (const [what, args, message] of [
  ['unknown size', ['huge', 'x'], /^error: .*"huge"/],
  ['bad seed', ['tiny', 'x', '--seed', '-1'], /^error: --seed: expected .*, found "-1"\n$/],
  ['too many arguments', ['tiny', 'x', 'y'], /^error: unexpected argument "y"/],
  [
    'a file as directory',
    ['tiny', 'package.json'],
    /^error: package\.json: expected a directory, found a file\n$/,
  ],
  [
    'below a file',
    ['tiny', 'package.json/x'],
    /^error: package\.json\/x: part of the path is not a directory\n$/,
  ],
  ['no directory', ['tiny', ''], /^error: expected a directory, found ""\n$/],
] as const) {
  test(`synthesize, misuse: ${what}`, async () => {
    const { code, stdout, stderr } = await asr('synthesize', ...args);
    assert.match(stderr, message);
    assert.equal(stderr.indexOf('\n'), stderr.length - 1, stderr);
    assert.deepEqual([code, stdout], [1, '']);
  });
}

test('progress is drawn on a terminal only, and removed', () => {
  const written: string[] = [];
  const err = (text: string) => written.push(text);
  const hidden = new ProgressLine({ err, errIsTerminal: false });
  hidden.draw('1 of 2');
  hidden.clear();
  assert.deepEqual(written, []);
  const shown = new ProgressLine({ err, errIsTerminal: true });
  shown.draw('1 of 2');
  shown.draw('2 of 2'); // too soon to be seen
  shown.clear();
  assert.deepEqual(written, ['\r\u001b[2K1 of 2', '\r\u001b[2K']);
});

test('synthesize says so where the system lets nothing be made, and ends', {
  skip: process.platform !== 'linux' && 'there is no /proc',
}, async () => {
  const { code, stdout, stderr } = await asr('synthesize', 'tiny', '/proc/x/y');
  assert.deepEqual([code, stdout, stderr], [1, '', 'error: /proc/x/y: no directory can be made there\n']);
});
