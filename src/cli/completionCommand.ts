import { QwenAsrError } from '../error.js';
import { PUBLISHED_NAMES } from '../hub/hubNames.js';
import { ALIGN_OPTIONS } from './alignCommand.js';
import { BENCH_OPTIONS } from './benchOptions.js';
import { answersStandard, standardOptions } from './commonOptions.js';
import { COMPARE_OPTIONS } from './compareCommand.js';
import {
  bashCompletion,
  type CompletionSpec,
  fishCompletion,
  type SubcommandSpec,
  zshCompletion,
} from './completionScripts.js';
import { DOCTOR_OPTIONS } from './doctorCommand.js';
import { LIST_OPTIONS, PULL_OPTIONS, REMOVE_OPTIONS } from './hubCommands.js';
import { LOAD_OPTIONS } from './loadOptions.js';
import { CHECK_OPTIONS, QUANTIZE_OPTIONS, SYNTHESIZE_OPTIONS } from './modelCommands.js';
import { type OptionTable, parseOptions } from './options.js';
import { REPORT_OPTIONS } from './reportCommand.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { SERVE_OPTIONS } from './serveCommand.js';
import { TRANSCRIBE_OPTIONS } from './transcribeOptions.js';
import { examples, helpOf, optionList, paragraph, type Usage, usageLines } from './usage.js';
import { WORKER_OPTIONS } from './workerCommand.js';

const OPTIONS = 'Options';

/** Options of `completion`. */
const COMPLETION_OPTIONS = { ...standardOptions(OPTIONS) } as const satisfies OptionTable;

/** The shells that there are scripts for. */
const SHELLS: Readonly<Record<string, (spec: CompletionSpec) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `completion SHELL` of both commands: prints a script that completes the options of the command. */
export async function completionCommand(spec: CompletionSpec, context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(COMPLETION_OPTIONS, context.args, 1);
  if (answersStandard(values, completionUsage(spec), context)) return EXIT.ok;
  const [shell = ''] = positionals;
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (script === undefined) {
    const found = shell === '' ? 'none' : JSON.stringify(shell);
    throw new QwenAsrError(
      'usage',
      `completion: expected ${Object.keys(SHELLS).join(' or ')}, found ${found}`,
    );
  }
  context.out(script(spec));
  return EXIT.ok;
}

function completionUsage({ program }: CompletionSpec): Usage {
  return helpOf(
    usageLines(`${program} completion bash|zsh|fish`),
    paragraph(`Prints a script that completes the options of ${program}.`),
    optionList(COMPLETION_OPTIONS, [OPTIONS], { column: 16, names: 'both' }),
    examples(
      [`source <(${program} completion bash)`, 'in ~/.bashrc'],
      [`source <(${program} completion zsh)`, 'in ~/.zshrc, after compinit'],
      [`${program} completion fish > ~/.config/fish/completions/${program}.fish`],
    ),
  );
}

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
      name: 'align',
      summary: 'When is each word of a text spoken?',
      options: ALIGN_OPTIONS,
      takes: [],
    },
    { name: 'serve', summary: 'One model for many clients', options: SERVE_OPTIONS, takes: [] },
    { name: 'worker', summary: 'Takes jobs from a queue', options: WORKER_OPTIONS, takes: [] },
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
      name: 'doctor',
      summary: 'What this machine has, and what is chosen',
      options: DOCTOR_OPTIONS,
      takes: [],
    },
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
    { name: 'serve', summary: 'How much load does a server carry?', options: LOAD_OPTIONS, takes: [] },
    COMPLETION,
  ],
};
