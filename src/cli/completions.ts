import { PUBLISHED_NAMES } from '../hub/hubNames.js';
import { BENCH_OPTIONS } from './benchOptions.js';
import { CHECK_OPTIONS } from './checkCommand.js';
import { COMPARE_OPTIONS } from './compareOptions.js';
import { COMPLETION_OPTIONS, SHELLS } from './completionCommand.js';
import type { CompletionSpec, SubcommandSpec } from './completionSpec.js';
import { LIST_OPTIONS } from './listCommand.js';
import { PULL_OPTIONS } from './pullCommand.js';
import { QUANTIZE_OPTIONS } from './quantizeCommand.js';
import { REMOVE_OPTIONS } from './removeCommand.js';
import { REPORT_OPTIONS } from './reportOptions.js';
import { SYNTHESIZE_OPTIONS } from './synthesizeCommand.js';
import { TRANSCRIBE_OPTIONS } from './transcribeOptions.js';

const COMPLETION: SubcommandSpec = {
  name: 'completion',
  summary: 'Completion script for a shell',
  options: COMPLETION_OPTIONS,
  takes: Object.keys(SHELLS),
};

/** Everything that `qwen_asr` takes, from the tables that read it. */
export const ASR_COMPLETION: CompletionSpec = {
  program: 'qwen_asr',
  options: TRANSCRIBE_OPTIONS,
  takesFiles: true,
  subcommands: [
    { name: 'transcribe', summary: 'Speech to text', options: TRANSCRIBE_OPTIONS, takes: 'files' },
    {
      name: 'pull',
      summary: 'Fetch models from the hub',
      options: PULL_OPTIONS,
      takes: [...PUBLISHED_NAMES.keys()],
    },
    { name: 'list', summary: 'The models that were fetched', options: LIST_OPTIONS, takes: [] },
    {
      name: 'remove',
      summary: 'Remove models that were fetched',
      options: REMOVE_OPTIONS,
      takes: [...PUBLISHED_NAMES.keys()],
    },
    { name: 'check', summary: 'Is this a model directory that works?', options: CHECK_OPTIONS, takes: [] },
    {
      name: 'quantize',
      summary: 'The same model at half or a quarter of its size',
      options: QUANTIZE_OPTIONS,
      takes: 'files',
    },
    {
      name: 'synthesize',
      summary: 'A model directory of random weights',
      options: SYNTHESIZE_OPTIONS,
      takes: ['tiny', '0.6b', '1.7b'],
    },
    COMPLETION,
  ],
};

/** Everything that `qwen_asr_bench` takes. */
export const BENCH_COMPLETION: CompletionSpec = {
  program: 'qwen_asr_bench',
  options: BENCH_OPTIONS,
  takesFiles: false,
  subcommands: [
    {
      name: 'compare',
      summary: 'Is one result slower than another?',
      options: COMPARE_OPTIONS,
      takes: 'files',
    },
    { name: 'report', summary: 'Saved results in any format', options: REPORT_OPTIONS, takes: 'files' },
    COMPLETION,
  ],
};
