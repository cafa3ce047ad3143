import { arithmeticOptions } from './arithmeticOptions.js';
import type { OptionTable } from './options.js';
import { anyText, wholeNumber } from './optionValues.js';
import { standardOptions } from './standardOptions.js';
import { formatOptions } from './usage.js';

/** Options of `qwen_asr` without a sub-command. */
export const TRANSCRIBE_OPTIONS = {
  model: {
    kind: 'value',
    short: 'd',
    placeholder: 'DIR',
    section: 'Required',
    help: ['Model directory (*.safetensors + vocab.json)'],
    read: anyText,
  },
  input: {
    kind: 'value',
    short: 'i',
    placeholder: 'FILE',
    section: 'Required',
    help: ['WAV file; - reads it from standard input'],
    read: anyText,
  },
  language: {
    kind: 'value',
    placeholder: 'NAME',
    section: 'Options',
    help: ['Language spoken, by name or code (default: recognised)'],
    read: anyText,
  },
  prompt: {
    kind: 'value',
    placeholder: 'TEXT',
    section: 'Options',
    help: ['Context that helps recognition: names, jargon'],
    read: anyText,
  },
  'max-tokens': {
    kind: 'value',
    placeholder: 'N',
    section: 'Options',
    help: ['Stop after N tokens (default: 512, or 12 a second of audio if more)'],
    read: wholeNumber(1),
  },
  json: {
    kind: 'switch',
    section: 'Options',
    help: ['Print text, language, token ids and timings as JSON'],
  },
  threads: {
    kind: 'value',
    short: 't',
    placeholder: 'N',
    section: 'Options',
    help: ['Number of threads (default: auto)'],
    read: wholeNumber(1),
  },
  ...arithmeticOptions('Options'),
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of qwen_asr. */
export function transcribeUsage(): string {
  const options = formatOptions(TRANSCRIBE_OPTIONS, ['Required', 'Options'], { column: 22, names: 'both' });
  return `Usage: qwen_asr -d <model_dir> -i <file> [options]
       qwen_asr check -d <model_dir>
       qwen_asr synthesize <size> <dir> [--seed N]

${options}

-d also takes synthetic:SIZE[:SEED], SIZE being tiny, 0.6b or 1.7b: random weights, whose text is meaningless.
`;
}
