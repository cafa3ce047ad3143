import { arithmeticOptions } from './arithmeticOptions.js';
import type { OptionTable } from './options.js';
import { anyText, oneOf, wholeNumber } from './optionValues.js';
import { standardOptions } from './standardOptions.js';
import { formatOptions } from './usage.js';

const FURTHER = 'Further options';

/** Options of qwen_asr_bench. The first two sections are the user's own document, word for word. */
export const BENCH_OPTIONS = {
  model: {
    kind: 'value',
    short: 'd',
    placeholder: 'DIR',
    section: 'Required',
    help: ['Model directory (*.safetensors + vocab.json)'],
    read: anyText,
  },
  threads: {
    kind: 'value',
    short: 't',
    placeholder: 'N',
    section: 'Options',
    help: ['Number of threads (default: auto)'],
    read: wholeNumber(1),
  },
  runs: {
    kind: 'value',
    short: 'n',
    placeholder: 'N',
    section: 'Options',
    help: ['Number of benchmark runs (default: 5)'],
    read: wholeNumber(1),
  },
  input: {
    kind: 'value',
    short: 'i',
    placeholder: 'FILE',
    section: 'Options',
    help: ['Audio file to benchmark with (default: synthetic silence)'],
    read: anyText,
  },
  seconds: {
    kind: 'value',
    short: 's',
    placeholder: 'N',
    section: 'Options',
    help: ['Synthetic audio length in seconds (default: 5)', 'Ignored when -i is given.'],
    // Checked by the command, because it is not to be checked when -i is given.
    read: anyText,
  },
  what: {
    kind: 'value',
    short: 'w',
    placeholder: 'N',
    section: 'Options',
    help: [
      'What to benchmark:',
      '  0 (default) — full pipeline (encode + decode)',
      '  1           — encoder only',
    ],
    read: oneOf(['0', '1']),
  },
  tokens: {
    kind: 'value',
    placeholder: 'N',
    section: FURTHER,
    help: ['Decode exactly N tokens in every run, whatever the model says'],
    read: wholeNumber(1),
  },
  ...arithmeticOptions(FURTHER),
  format: {
    kind: 'value',
    short: 'o',
    placeholder: 'FORMAT',
    section: FURTHER,
    help: ['text (default) or json; with json the text goes to stderr'],
    read: oneOf(['text', 'json']),
  },
  json: { kind: 'switch', section: FURTHER, help: ['The same as -o json'] },
  ...standardOptions(FURTHER),
} as const satisfies OptionTable;

/** The help text of qwen_asr_bench. */
export function benchUsage(): string {
  const seedBlock = formatOptions(BENCH_OPTIONS, ['Required', 'Options'], { column: 16, names: 'short' });
  const further = formatOptions(BENCH_OPTIONS, [FURTHER], { column: 22, names: 'both' });
  return `Usage: qwen_asr_bench -d <model_dir> [options]

${seedBlock}

${further}

-d also takes synthetic:SIZE[:SEED], SIZE being tiny, 0.6b or 1.7b: seeded random weights of the published
shapes, made in memory. Every run then decodes 3 tokens a second of audio unless --tokens says otherwise.
-s takes 1 to 300 seconds, decimals included.
Long names: ${longNames()}.
`;
}

/** `-d --model, -t --threads, …` for the options that the seed's block lists by their short name alone. */
function longNames(): string {
  return Object.entries<OptionTable[string]>(BENCH_OPTIONS)
    .filter(([, option]) => option.section !== FURTHER)
    .map(([name, { short }]) => `-${short} --${name}`)
    .join(', ');
}
