import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ASR_SUBCOMMANDS } from '../../src/cli/asrCommand.js';
import { BENCH_SUBCOMMANDS } from '../../src/cli/benchProgram.js';
import { ASR_COMPLETION, BENCH_COMPLETION } from '../../src/cli/completionCommand.js';
import {
  bashCompletion,
  type CompletionSpec,
  fishCompletion,
  optionSpecs,
  zshCompletion,
} from '../../src/cli/completionScripts.js';
import { runCli } from '../support/runCli.js';
import { runHere } from '../support/runHere.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-completion-'));
after(() => rmSync(scratch, { recursive: true }));
mkdirSync(join(scratch, 'a folder'));
writeFileSync(join(scratch, 'a file.json'), '');

/** Why a shell's test is left out, or false; where everything must run it runs and fails. */
function missing(shell: string): string | false {
  const found = spawnSync(shell, ['-c', 'true']).status === 0;
  return found || process.env['CI'] === 'true' ? false : `${shell} is not installed`;
}

function run(shell: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(shell, args, {
    input,
    encoding: 'utf8',
    cwd: scratch,
    timeout: 60_000,
    env: { ...process.env, HOME: scratch },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

/** What bash offers for the last of the words. */
const bashOffers = (...words: string[]) => bashOffersOf(BENCH_COMPLETION, ...words);

function bashOffersOf(spec: CompletionSpec, ...words: string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const script = `${bashCompletion(spec)}
COMP_WORDS=(${spec.program} ${quoted}); COMP_CWORD=${words.length}; _${spec.program}
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return run('bash', ['--norc', '--noprofile'], script)
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

test('the completions know exactly the sub-commands of the programs', () => {
  for (const [{ subcommands }, known] of [
    [BENCH_COMPLETION, BENCH_SUBCOMMANDS],
    [ASR_COMPLETION, ASR_SUBCOMMANDS],
  ] as const) {
    assert.deepEqual(
      subcommands.map(({ name }) => name),
      [...known.keys()],
    );
  }
});

test('bash completes options, sub-commands, words and paths', { skip: missing('bash') }, () => {
  assert.deepEqual(bashOffers('co'), ['compare', 'completion']);
  assert.deepEqual(bashOffers('--prec'), ['--precision']);
  assert.deepEqual(bashOffers('-d', 'x', '--ba'), ['--backend', '--baseline-dir', '--batch']);
  assert.deepEqual(bashOffers('-d', 'x', '--s'), [
    '--save',
    '--seconds',
    '--segment',
    '--skip-silence',
    '--stream',
  ]);
  assert.deepEqual(bashOffers('-d', 'x', '-o', ''), ['csv', 'json', 'jsonl', 'md', 'text']);
  assert.deepEqual(bashOffers('-d', 'x', '--precision', ''), ['auto', 'bf16', 'f32', 'int4', 'int8']);
  assert.deepEqual(bashOffers('-d', ''), ['a folder']);
  assert.deepEqual(bashOffers('-i', 'a'), ['a file.json', 'a folder']);
  assert.deepEqual(bashOffers('-n', ''), []);
  assert.deepEqual(bashOffers('compare', 'a f'), ['a file.json', 'a folder']);
  assert.deepEqual(bashOffers('compare', 'x', '--a'), ['--across', '--allow-token-changes', '--allowance']);
  assert.deepEqual(bashOffers('compare', '-o', ''), ['json', 'md', 'text']);
  assert.deepEqual(bashOffers('completion', ''), ['bash', 'fish', 'zsh']);
  const all = optionSpecs(BENCH_COMPLETION.options).flatMap(({ names }) => names);
  assert.deepEqual(bashOffers('-'), [...new Set(all)].sort());
});

test('bash completes qwen_asr, which takes files anywhere', { skip: missing('bash') }, () => {
  const offers = (...words: string[]) => bashOffersOf(ASR_COMPLETION, ...words);
  assert.deepEqual(offers('ch'), ['check']);
  assert.deepEqual(offers('-d', 'x', '--out'), ['--output-dir']);
  assert.deepEqual(offers('-d', 'x', '-o', ''), ['json', 'jsonl', 'lrc', 'srt', 'tsv', 'txt', 'vtt']);
  assert.deepEqual(offers('-d', ''), ['a folder']);
  assert.deepEqual(offers('-d', 'x', 'a f'), ['a file.json', 'a folder']);
  assert.deepEqual(offers('check', '-d', ''), ['a folder']);
  assert.deepEqual(offers('synthesize', 't'), ['tiny']);
});

test('fish completes the same', { skip: missing('fish') }, () => {
  const offers = (line: string) => {
    const script = `${fishCompletion(BENCH_COMPLETION)}\ncomplete -C ${JSON.stringify(line)}`;
    const lines = run('fish', ['--no-config', '-c', script]).split('\n');
    return lines.flatMap((text) => (text === '' ? [] : [text.split('\t')[0] ?? ''])).sort();
  };
  assert.deepEqual(offers('qwen_asr_bench co'), ['compare', 'completion']);
  assert.deepEqual(offers('qwen_asr_bench --prec'), ['--precision']);
  assert.deepEqual(offers('qwen_asr_bench -d x -o '), ['csv', 'json', 'jsonl', 'md', 'text']);
  assert.deepEqual(offers('qwen_asr_bench compare --a'), [
    '--across',
    '--allow-token-changes',
    '--allowance',
  ]);
  assert.deepEqual(offers('qwen_asr_bench -n '), []);
  assert.deepEqual(offers('qwen_asr_bench completion '), ['bash', 'fish', 'zsh']);
});

test('zsh takes the script, and its specifications are well formed', { skip: missing('zsh') }, () => {
  // _arguments cannot run outside of an interactive shell; what it is told can be looked at.
  const stub = `compdef() {}
_describe() { print -l "describe: \${(P)2[@]}" }
_arguments() { print -l -- "$@" }
${zshCompletion(BENCH_COMPLETION)}`;
  const specs = (...words: string[]) => {
    const line = `words=(qwen_asr_bench ${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length + 1}`;
    return run('zsh', ['-f', '-c', `${stub}\n${line}\n_qwen_asr_bench`])
      .trimEnd()
      .split('\n');
  };
  assert.match(specs('co').join('\n'), /describe: compare:.*\nreport:.*\nserve:.*\ncompletion:/);
  const options = specs('-d', 'x', '').filter((text) => text !== '-s');
  const names = optionSpecs(BENCH_COMPLETION.options).flatMap((option) => option.names);
  assert.equal(options.length, names.length);
  options.forEach((text, index) => {
    const name = names[index] ?? '';
    const form =
      /^(?:\*|\([^)]*\))(-{1,2}[a-z-]+)\[(?:[^\]\\]|\\.)*\](?::[^:]+:(?: |_files(?: -\/)?|\([^)]+\)))?$/;
    assert.equal(form.exec(text)?.[1], name, text);
  });
  assert.ok(
    options.includes(
      '(-o --format)--format[text (default), md, csv, json or jsonl; other than text, the text goes to stderr]:FORMAT:(text md csv json jsonl)',
    ),
  );
  assert.ok(specs('compare', 'x', '').some((text) => text.startsWith('*--fail-if[')));
});

test('the command prints the scripts, and refuses other shells', async () => {
  for (const [command, spec] of [
    ['qwen_asr_bench', BENCH_COMPLETION],
    ['qwen_asr', ASR_COMPLETION],
  ] as const) {
    for (const [shell, script] of [
      ['bash', bashCompletion(spec)],
      ['zsh', zshCompletion(spec)],
      ['fish', fishCompletion(spec)],
    ] as const) {
      assert.deepEqual(await runCli(command, ['completion', shell]), { code: 0, stdout: script, stderr: '' });
    }
  }
  for (const [args, found] of [
    [['tcsh'], '"tcsh"'],
    [[], 'none'],
  ] as const) {
    const { code, stderr } = await runHere('qwen_asr_bench', ['completion', ...args]);
    assert.deepEqual(
      [code, stderr],
      [1, `error: completion: expected bash or zsh or fish, found ${found}\n`],
    );
  }
});
