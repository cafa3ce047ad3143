import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, toNamespacedPath } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';

/*
 * The commands as people use them on Windows. Wine runs this too: test/platforms/wine.test.ts.
 */

const skip = process.platform !== 'win32' && 'Windows only: wine.test.js runs this under Wine';
const samples = join(demoModelDir, 'samples');
const textOf = (name: string): string =>
  JSON.parse(readFileSync(join(samples, 'texts.json'), 'utf8'))[name].text;

describe('a user whose name is no ASCII', { skip }, () => {
  let scratch: string;
  let home: string;
  let model: string;
  let german: string;
  let chinese: string;

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-windows-'));
    home = join(scratch, 'Jürgen Groß 会議');
    model = join(home, 'demo model');
    mkdirSync(join(home, 'Aufnahmen'), { recursive: true });
    const isModelFile = (path: string): boolean => !/samples|training/.test(path);
    cpSync(demoModelDir, model, { recursive: true, filter: isModelFile });
    german = join(home, 'Aufnahmen', 'Zug nach München.wav');
    chinese = join(home, 'Aufnahmen', '打开.wav');
    copyFileSync(join(samples, 'travel-de.wav'), german);
    copyFileSync(join(samples, 'lamp-zh.wav'), chinese);
  });

  after(() => rmSync(scratch, { recursive: true, force: true }));

  test('texts with umlauts and Chinese come as UTF-8, from paths of every form', async () => {
    const forms = [german, german.replaceAll('\\', '/'), toNamespacedPath(german)];
    for (const path of forms) {
      const outcome = await runCli('qwen_asr', ['-d', model, '-i', path]);
      assert.deepEqual(outcome, { code: 0, stdout: `${textOf('travel-de')}\n`, stderr: '' }, path);
    }
    const outcome = await runCli('qwen_asr', ['-d', model.replaceAll('\\', '/'), '--json', chinese]);
    const { input, text } = JSON.parse(outcome.stdout);
    assert.deepEqual([input ?? chinese, text], [chinese, textOf('lamp-zh')]);
  });

  test('standard input, QWEN_ASR_MODEL, and the cache of the hub below such a home', async () => {
    const env = { QWEN_ASR_MODEL: model, HF_HUB_CACHE: join(home, 'hub') };
    const outcome = await runCli('qwen_asr', ['-i', '-'], { input: readFileSync(chinese), env });
    assert.deepEqual(outcome, { code: 0, stdout: `${textOf('lamp-zh')}\n`, stderr: '' });
    const list = await runCli('qwen_asr', ['list'], { env });
    assert.equal(list.code, 0, list.stderr);
    assert.ok((list.stdout + list.stderr).includes(env.HF_HUB_CACHE), list.stdout + list.stderr);
  });

  test('patterns are expanded, and results are written below a folder of any name', async () => {
    const out = join(home, 'Untertitel – 字幕');
    const pattern = join(home, 'Aufnahmen', '*.wav');
    const outcome = await runCli('qwen_asr', ['-d', model, pattern, '-o', 'txt', '--output-dir', out]);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.deepEqual(readdirSync(out).sort(), ['Zug nach München.txt', '打开.txt']);
    assert.equal(readFileSync(join(out, '打开.txt'), 'utf8').trim(), textOf('lamp-zh'));
    assert.ok(outcome.stdout.includes(join(out, 'Zug nach München.txt')), outcome.stdout);
  });

  test('names that Windows cannot make are refused in a line, with exit code 1', async () => {
    for (const name of ['con', 'a:b', 'talk?']) {
      const out = join(home, name);
      const outcome = await runCli('qwen_asr', ['-d', model, chinese, '--output-dir', out]);
      assert.equal(outcome.code, 1, name);
      assert.match(outcome.stderr, /^error: [^\n]*: expected a name that Windows allows, found [^\n]*\n$/);
      assert.equal(outcome.stdout, '');
    }
    const absent = await runCli('qwen_asr', ['-d', model, '-i', join(home, 'fehlt.wav')]);
    assert.equal(absent.code, 1);
    assert.match(absent.stderr, /^error: .*fehlt\.wav: no such file or directory\n$/);
  });

  test('the benchmark says what it knows of the machine, and nulls for the rest', async () => {
    const result = join(home, 'Ergebnis.json');
    const args = ['-d', model, '-i', chinese, '-n', '1', '--warmup', '0', '--export', result];
    const outcome = await runCli('qwen_asr_bench', args);
    assert.equal(outcome.code, 0, outcome.stderr);
    const { machine, environment } = JSON.parse(readFileSync(result, 'utf8'));
    assert.equal(machine.platform, 'win32');
    assert.ok(machine.physicalCores >= 1 && machine.memoryBytes > 2 ** 30);
    assert.deepEqual(
      [environment.load1, environment.cpuGovernor, environment.cgroupCpus],
      [null, null, null],
    );
  });

  test('qwen_asr doctor knows Windows', async () => {
    const { code, stdout } = await runCli('qwen_asr', ['doctor']);
    assert.equal(code, 0);
    assert.match(stdout, /^system +win32 x64/m);
    assert.match(stdout, /^machine code +avx.*self-test passed/m);
    assert.match(stdout, /^models .* in [A-Z]:\\/m);
  });
});
