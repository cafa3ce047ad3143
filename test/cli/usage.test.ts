import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASR_SUBCOMMANDS } from '../../src/cli/asrCommand.js';
import { BENCH_OPTIONS, benchUsage } from '../../src/cli/benchOptions.js';
import { BENCH_SUBCOMMANDS } from '../../src/cli/benchProgram.js';
import { TRANSCRIBE_OPTIONS, transcribeUsage } from '../../src/cli/transcribeOptions.js';
import { examples, helpOf } from '../../src/cli/usage.js';
import { runHere } from '../support/runHere.js';

// The option block of the user's own document.
const SEED_BLOCK = `Required:
  -d DIR        Model directory (*.safetensors + vocab.json)

Options:
  -t N          Number of threads (default: auto)
  -n N          Number of benchmark runs (default: 5)
  -i FILE       Audio file to benchmark with (default: synthetic silence)
  -s N          Synthetic audio length in seconds (default: 5)
                Ignored when -i is given.
  -w N          What to benchmark:
                  0 (default) — full pipeline (encode + decode)
                  1           — encoder only
`;

test("the benchmark's help holds the seed's option block word for word, before anything else", () => {
  assert.ok(benchUsage().startsWith(`Usage: qwen_asr_bench -d <model_dir> [options]\n\n${SEED_BLOCK}\n`));
});

for (const [name, usage, table] of [
  ['qwen_asr_bench', benchUsage(), BENCH_OPTIONS],
  ['qwen_asr', transcribeUsage(), TRANSCRIBE_OPTIONS],
] as const) {
  test(`the help of ${name} names every option in full and fits 110 columns`, () => {
    for (const [long, option] of Object.entries(table)) {
      assert.match(usage, new RegExp(`--${long}\\b`));
      if ('short' in option) assert.match(usage, new RegExp(`-${option.short}\\b`));
    }
    for (const line of usage.split('\n')) assert.ok(line.length <= 110, line);
  });
}

for (const [program, subcommands] of [
  ['qwen_asr', ASR_SUBCOMMANDS],
  ['qwen_asr_bench', BENCH_SUBCOMMANDS],
] as const) {
  test(`the help of ${program} and its sub-commands follows the width of the terminal`, async () => {
    const told = process.env['COLUMNS'];
    try {
      for (const args of [['-h'], ...[...subcommands.keys()].map((name) => [name, '-h'])]) {
        for (const columns of [48, 80, 130]) {
          process.env['COLUMNS'] = String(columns);
          const { stdout } = await runHere(program, args);
          for (const line of stdout.split('\n')) {
            // What no blank divides stands as it is: a path, a command in quotes.
            const unbroken = /^ *(?:'[^']*'|\S+)(?: \\)?$/.test(line);
            assert.ok(line.length <= columns || unbroken, `${args.join(' ')} in ${columns}: ${line}`);
          }
        }
      }
    } finally {
      if (told === undefined) delete process.env['COLUMNS'];
      else process.env['COLUMNS'] = told;
    }
  });
}

test('a command that is too long for the terminal can still be copied', () => {
  const command = "qwen_asr_bench compare before.json after.json --fail-if 'total > +3 %' -o md";
  const lines = helpOf(examples([command]))(40)
    .split('\n')
    .slice(1, -1);
  assert.ok(lines.length > 1);
  assert.ok(lines.slice(0, -1).every((line) => line.endsWith(' \\')));
  assert.equal(lines.map((line) => line.replace(/ \\$/, '').trim()).join(' '), command);
});
