import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { BENCH_OPTIONS } from '../src/cli/benchOptions.js';
import type { OptionTable } from '../src/cli/options.js';
import { EXIT } from '../src/cli/runCommand.js';
import { TRANSCRIBE_OPTIONS } from '../src/cli/transcribeOptions.js';
import { projectRoot } from './support/projectRoot.js';
import { CLI_ENTRIES } from './support/runCli.js';
import { shellCommands } from './support/shellCommands.js';

/** Commands that a test cannot run, each with the reason. All others in `sh` blocks are run. */
const NOT_RUN: readonly [prefix: string, reason: string][] = [
  ['make demo', 'builds what this test runs in; the script behind it has its own test below'],
  ['make test', 'runs this test'],
  ['make bench', 'builds what this test runs in'],
  ['./qwen_asr pull', 'fetches gigabytes from the Hugging Face Hub'],
  ['./qwen_asr -d 0.6b', 'needs what that fetches'],
  ['./qwen_asr serve', 'serves until it is stopped'],
  ['./qwen_asr_bench serve', 'asks that server: test/cli/loadCommand.test.ts'],
  ['curl ', 'asks that server: test/serve/readmeCurl.test.ts'],
];

const README = readFileSync(join(projectRoot, 'README.md'), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-readme-'));
after(() => rmSync(scratch, { recursive: true }));

// A folder that looks like a built checkout, so that commands may write into it.
symlinkSync(join(projectRoot, 'models'), join(scratch, 'models'));
for (const [name, entry] of Object.entries(CLI_ENTRIES)) {
  writeFileSync(join(scratch, name), `#!/bin/sh\nexec "${process.execPath}" "${entry}" "$@"\n`);
  chmodSync(join(scratch, name), 0o755);
}

for (const [file, text] of [
  ['README.md', README],
  ['docs/benchmarking.md', readFileSync(join(projectRoot, 'docs', 'benchmarking.md'), 'utf8')],
] as const) {
  const commands = shellCommands(text);
  test(`${file} has commands`, () => assert.ok(commands.length > 0));
  for (const command of commands) {
    if (NOT_RUN.some(([prefix]) => command.startsWith(prefix))) continue;
    test(`${file}: ${command}`, () => {
      const run = spawnSync('sh', ['-c', command], { cwd: scratch, encoding: 'utf8', timeout: 180_000 });
      assert.equal(run.status, 0, run.stderr);
      assert.equal(run.stderr, '');
      assert.notEqual(run.stdout, '');
    });
  }
}

test('make demo prints the transcript and the whole table', () => {
  assert.ok(existsSync(join(projectRoot, 'qwen_asr_bench')), 'run `npm run build` first');
  const run = spawnSync(process.execPath, [join(projectRoot, 'scripts', 'demo.mjs')], {
    encoding: 'utf8',
    timeout: 180_000,
  });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /^Set a timer for seven minutes\.$/m);
  assert.match(run.stdout, /^total .*\nencode .*\ndecode .*\nrt_factor .* x RT$/m);
});

test('the option tables of the README are those of the commands', () => {
  for (const [heading, table] of [
    ['qwen_asr', TRANSCRIBE_OPTIONS],
    ['qwen_asr_bench', BENCH_OPTIONS],
  ] as [string, OptionTable][]) {
    const section = README.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
    const rows = section.split('\n').filter((line) => line.startsWith('| `-'));
    for (const [name, { short }] of Object.entries(table)) {
      const row = rows.find((line) => line.includes(`--${name}`));
      assert.ok(row?.includes(short === undefined ? '' : `\`-${short}\``), `${heading} --${name}`);
    }
    const named = rows.flatMap((line) => line.split('|')[1]?.match(/--[a-z-]+/g) ?? []);
    for (const option of named) assert.ok(option.slice(2) in table, `${heading} has no ${option}`);
  }
});

test('the exit codes of the README are those of the program', () => {
  const codes = [...README.matchAll(/^\| (\d+) \| /gm)].map(([, code]) => Number(code));
  assert.deepEqual(codes, Object.values(EXIT));
});

test('links in the documents lead somewhere', () => {
  const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].concat(
    readdirSync(join(projectRoot, 'docs'), { recursive: true })
      .map((name) => join('docs', String(name)))
      .filter((name) => name.endsWith('.md')),
  );
  for (const document of documents) {
    const text = readFileSync(join(projectRoot, document), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|#)/.test(target)) continue;
      const path = join(projectRoot, dirname(document), target.replace(/#.*/, ''));
      assert.ok(existsSync(path), `${document}: ${target}`);
    }
  }
});
