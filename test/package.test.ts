import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LocalHub } from './hub/support/localHub.js';
import { readGolden } from './support/golden.js';
import { demoAlignerDir, demoModelDir, goldenDir, projectRoot } from './support/projectRoot.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-package-'));
after(() => rmSync(scratch, { recursive: true }));

/** What npm says when it cannot reach its registry. */
const OFFLINE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

function run(cwd: string, command: string, ...args: string[]) {
  // The npm that runs the tests describes its own package in the environment.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name)),
  );
  return spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 120_000 });
}

/** `npx qwen-asr …` as a person types it, while this process answers as the hub. */
function npx(
  cwd: string,
  more: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ stdout: string; stderr: string }> {
  const { HF_TOKEN: _, QWEN_ASR_MODEL: __, HF_HUB_OFFLINE: ___, ...inherited } = process.env;
  const env = { ...inherited, ...more };
  const child = spawn('npx', ['--no-install', 'qwen-asr', ...args], { cwd, env, timeout: 120_000 });
  child.stdin.end();
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  return new Promise((resolve) => child.on('close', () => resolve({ stdout, stderr })));
}

test('the package, installed in an empty folder, gives both commands and a typed import', async (t) => {
  const packed = run(
    projectRoot,
    'npm',
    'pack',
    '--ignore-scripts',
    '--json',
    '--silent',
    '--pack-destination',
    scratch,
  );
  assert.equal(packed.status, 0, packed.stderr);
  const [{ filename, files, size }] = JSON.parse(packed.stdout);
  const paths: string[] = files.map((file: { path: string }) => file.path);
  const tarball = join(scratch, filename);

  await t.test('it holds what it needs and no tests', () => {
    for (const path of [
      'dist/src/index.js',
      'dist/src/index.d.ts',
      'dist/page/index.html',
      'models/demo/vocab.json',
      'LICENSE',
      'schemas/bench-result-v1.schema.json',
      'src/audio/vad/LICENSE',
    ]) {
      assert.ok(paths.includes(path), path);
    }
    assert.deepEqual(
      paths.filter((path) => /(^|\/)test\//.test(path) || /(?<!\.d)\.ts$/.test(path)),
      [],
    );
  });

  await t.test('it stays below 20 MB', () => {
    assert.ok(size < 20e6, `${size} bytes`);
  });

  await t.test('publint has nothing to say, and every import finds its types', () => {
    const tool = (name: string) => join(projectRoot, 'node_modules', '.bin', name);
    const linted = run(scratch, tool('publint'), 'run', tarball, '--strict');
    assert.equal(linted.status, 0, linted.stdout);
    assert.match(linted.stdout, /All good!/);
    const types = run(scratch, tool('attw'), '--profile', 'esm-only', tarball);
    assert.equal(types.status, 0, types.stdout);
  });

  const app = join(scratch, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n');
  const installed = run(
    app,
    'npm',
    'install',
    '--ignore-scripts',
    '--omit=dev',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    tarball,
  );
  if (installed.status !== 0 && process.env['CI'] !== 'true' && OFFLINE.test(installed.stderr)) {
    t.skip(`the npm registry cannot be reached: ${installed.stderr.split('\n')[0]}`);
    return;
  }
  assert.equal(installed.status, 0, installed.stderr);
  const home = join('node_modules', 'qwen-asr');

  await t.test('both commands run', () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
    // The first is what `npx qwen-asr` runs.
    for (const command of ['qwen-asr', 'qwen_asr', 'qwen_asr_bench']) {
      const { stdout } = run(app, join('node_modules', '.bin', command), '--version');
      assert.equal(stdout, `${version}\n`);
    }
    const model = join(home, 'models', 'demo');
    const clip = join(model, 'samples', 'timer-en.wav');
    const text = run(app, join('node_modules', '.bin', 'qwen_asr'), '-d', model, '-i', clip);
    assert.equal(text.stdout, 'Set a timer for seven minutes.\n', text.stderr);
    const table = run(
      app,
      join('node_modules', '.bin', 'qwen_asr_bench'),
      '-d',
      model,
      '-n',
      '1',
      '-w',
      '1',
      '-s',
      '1',
    );
    assert.match(table.stdout, /^per layer .*ms\/layer$/m, table.stderr);
  });

  await t.test('a queue says which packages it needs', () => {
    const bin = join('node_modules', '.bin', 'qwen_asr');
    const args = ['-d', join(home, 'models', 'demo'), '--spool', 'spool'];
    const line = 'error: a queue needs the packages bullmq and ioredis: npm install bullmq ioredis\n';
    for (const [command, option] of [
      ['worker', '--redis'],
      ['serve', '--queue'],
    ] as const) {
      assert.equal(run(app, bin, command, ...args, option, 'redis://127.0.0.1:6379').stderr, line);
    }
  });

  await t.test("the README's example compiles in the strictest settings, and runs", () => {
    const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
    const example = /^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1] ?? assert.fail('README.md has no ts block');
    writeFileSync(join(app, 'example.ts'), example.replaceAll("'models/", `'${home}/models/`));
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(projectRoot, 'node_modules', '@types')],
    };
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
    const compiler = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    const compiled = run(app, process.execPath, compiler, '-p', app);
    assert.equal(compiled.status, 0, compiled.stdout);
    const ran = run(app, process.execPath, 'example.js');
    assert.equal(ran.stdout, 'Set a timer for seven minutes.\n', ran.stderr);
  });

  await t.test('from nothing to subtitles in three commands, with a hub that is close by', async () => {
    const hub = await LocalHub.start();
    try {
      const filesOf = (folder: string) =>
        Object.fromEntries(
          readdirSync(folder, { withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map(({ name }) => [name, readFileSync(join(folder, name))]),
        );
      hub.publish('Qwen/Qwen3-ASR-0.6B', filesOf(demoModelDir));
      hub.publish('Qwen/Qwen3-ForcedAligner-0.6B', filesOf(demoAlignerDir));
      // A person has an MP3; without an encoder here it is a WAV.
      const talk = join(demoModelDir, 'samples', 'morning-en.wav');
      const name =
        spawnSync('lame', ['--quiet', '-b', '64', talk, join(app, 'talk.mp3')]).status === 0
          ? 'talk.mp3'
          : 'talk.wav';
      if (name === 'talk.wav') copyFileSync(talk, join(app, name));
      const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(scratch, 'home'), HF_HUB_CACHE: '' };

      const pulled = await npx(app, env, 'pull', '0.6b', 'aligner');
      assert.match(pulled.stdout, /^0\.6b: .* fetched: \S+\naligner: .* fetched: \S+\n$/, pulled.stderr);
      const { text } = readGolden('demo/morning-en');
      const said = await npx(app, env, name);
      assert.deepEqual(said, { stdout: `${text}\n`, stderr: '' });
      const subtitles = await npx(app, env, name, '-o', 'srt', '--timestamps', 'word');
      assert.equal(subtitles.stderr, '');
      const cues = subtitles.stdout
        .trimEnd()
        .split('\n\n')
        .map((cue) => cue.split('\n'));
      assert.deepEqual(
        cues.map(([number]) => Number(number)),
        cues.map((_, i) => i + 1),
      );
      const shown = cues.map(([, , ...lines]) => lines.join(' ')).join(' ');
      assert.equal(shown, text);
      const sentences = text.split(/(?<=[.?]) /);
      // The second sentence begins where the aligner's golden has its first word, give or take two of its classes.
      const golden = JSON.parse(readFileSync(join(goldenDir, 'aligner', 'morning-en.json'), 'utf8')) as {
        words: { word: string; startMs: number }[];
      };
      const wake = golden.words.find(({ word }) => word === 'Wake')!;
      const cue = cues.find(([, , line]) => line?.startsWith('Wake'));
      assert.ok(sentences.length === 7 && cue !== undefined, subtitles.stdout);
      const [minutes, seconds] = cue[1]!.slice(3, 12).replace(',', '.').split(':').map(Number);
      const startMs = 1000 * (60 * minutes! + seconds!);
      assert.ok(Math.abs(startMs - wake.startMs) <= 660, `${cue[1]}, golden ${wake.startMs} ms`);
    } finally {
      hub.stop();
    }
  });

  await t.test('what is not exported cannot be imported', () => {
    const script = "await import('qwen-asr/dist/src/error.js')";
    const refused = run(app, process.execPath, '--input-type=module', '-e', script);
    assert.match(refused.stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });
});
