import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BENCH_OPTIONS, benchUsage } from '../../src/cli/benchOptions.js';
import { TRANSCRIBE_OPTIONS, transcribeUsage } from '../../src/cli/transcribeCommand.js';

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
