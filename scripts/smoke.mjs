// The packed package in other runtimes: `npm run smoke [-- node22 bun …]`. Fetches each of them from npm (100 MB each), packs
// and installs the package into a fresh folder, and runs its command and its library there. Not part of the tests.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const machine = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const libc = process.platform === 'linux' ? '-glibc' : '';

/** Package of each runtime, its program in there, and what comes before a script's path. */
const RUNTIMES = {
  ...Object.fromEntries(
    [20, 22, 24, 26].map((major) => [
      `node${major}`,
      { spec: `node-${machine}@${major}`, program: join('bin', 'node'), args: [] },
    ]),
  ),
  bun: { spec: `@oven/bun-${machine}@1`, program: join('bin', 'bun'), args: [] },
  deno: { spec: `@deno/${machine}${libc}@2`, program: 'deno', args: ['run', '--allow-all'] },
};

const TEXT = 'Set a timer for seven minutes.\n';
const PROGRAM = `
import { loadAudio, loadModel } from 'qwen-asr';
const home = 'node_modules/qwen-asr/models/demo';
const model = await loadModel(home);
const { samples } = await loadAudio(home + '/samples/timer-en.wav');
console.log((await model.transcribe(samples).result).text);
console.error(model.info.backend, model.info.isa, model.info.threads);
await model.close();
`;

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(RUNTIMES, name));
if (unknown.length > 0) {
  console.error(`error: unknown runtime ${unknown[0]}; expected ${Object.keys(RUNTIMES).join(', ')}`);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-smoke-'));
let failures = 0;
try {
  const packed = must(root, 'npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]);
  const app = install('app', [join(folder, packed.trim())]);
  writeFileSync(join(app, 'program.mjs'), PROGRAM);
  for (const [name, { spec, program, args }] of Object.entries(RUNTIMES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const alias = `runtime@npm:${spec}`;
    const path = join(install(name, [alias]), 'node_modules', 'runtime', program);
    report(
      name,
      'command',
      [path, ...args, join(app, 'node_modules', 'qwen-asr', 'dist', 'src', 'cli', 'qwenAsr.js')],
      app,
      [
        ...['-d', 'node_modules/qwen-asr/models/demo'],
        'node_modules/qwen-asr/models/demo/samples/timer-en.wav',
      ],
    );
    report(name, 'library', [path, ...args, join(app, 'program.mjs')], app, []);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = failures > 0 ? 1 : 0;

/** A folder of its own with packages in it. */
function install(name, packages) {
  const home = join(folder, name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }\n');
  must(home, 'npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ...packages]);
  return home;
}

function must(cwd, command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Runs it and says whether the text is the one that was spoken. */
function report(name, what, [program, ...before], cwd, args) {
  const { stdout, stderr, status } = spawnSync(program, [...before, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 120_000,
  });
  const isRight = status === 0 && stdout === TEXT;
  if (!isRight) failures++;
  console.log(`${name} ${what}: ${isRight ? 'ok' : `failed with ${status}: ${stdout}`} ${stderr.trim()}`);
}
