import { OUTPUT_FORMATS } from '../bench/output/outputs.js';
import { anyText, decimalNumber, durationMs, numberList, oneOf } from '../bench/settings/optionValues.js';
import { baselineDirOption, LIST_FLAGS, standardOptions, sweepOptions } from './commonOptions.js';
import type { OptionTable, OptionValues } from './options.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';

const FURTHER = 'Further options';
const MEASURING = 'Measuring';
const COMPARING = 'Comparing';
const OUTPUT = 'Output';

/** Seconds of silence that -s takes. */
export const readSeconds = numberList(decimalNumber(1, 300, 'seconds'));

const { threads, runs, ...classic } = sweepOptions('Options');
const { warmup, delay, ...measuring } = sweepOptions(MEASURING);

/** Options of qwen_asr_bench. The first two sections are the user's own document, word for word. */
export const BENCH_OPTIONS = {
  ...sweepOptions('Required'),
  threads,
  runs,
  input: {
    kind: 'value',
    short: 'i',
    placeholder: 'FILE',
    section: 'Options',
    help: ['Audio file to benchmark with (default: synthetic silence)'],
    read: anyText,
    repeatable: true,
  },
  seconds: {
    kind: 'value',
    short: 's',
    placeholder: 'N',
    section: 'Options',
    help: ['Synthetic audio length in seconds (default: 5)', 'Ignored when -i is given.'],
    // Checked by the command (readSeconds), because it is not to be checked when -i is given.
    read: anyText,
  },
  ...classic,
  ...sweepOptions(FURTHER),
  warmup,
  delay,
  budget: {
    kind: 'value',
    placeholder: 'TIME',
    section: MEASURING,
    help: ['Stop when this time is used up, such as 60s; without -n: as many runs as fit'],
    read: durationMs,
  },
  ...measuring,
  roofline: {
    kind: 'switch',
    section: MEASURING,
    help: ["Measure the machine's own limits too, and give each phase as a share of them"],
  },
  resume: {
    kind: 'value',
    placeholder: 'FILE',
    section: MEASURING,
    help: ['Write every run to FILE (.jsonl) at once; when it is there, go on from it'],
    read: anyText,
  },
  'dry-run': {
    kind: 'switch',
    section: MEASURING,
    help: ['Only say what would be measured'],
  },
  vs: {
    kind: 'value',
    placeholder: 'OPTIONS',
    section: COMPARING,
    help: [
      "Run this setting in turns with the one above, e.g. '-t 1'; repeatable (10 rounds unless -n says otherwise: fewer than 6 decide nothing)",
    ],
    read: anyText,
    repeatable: true,
    takesOptions: true,
  },
  'vs-cmd': {
    kind: 'value',
    placeholder: 'COMMAND',
    section: COMPARING,
    help: [
      "The same with another engine's command; {audio}, {model} and {threads} are filled in; repeatable",
    ],
    read: anyText,
    repeatable: true,
  },
  ref: {
    kind: 'value',
    placeholder: 'PATH',
    section: COMPARING,
    help: ['Text of the recording, or a directory of NAME.txt for NAME.wav: gives WER and CER'],
    read: anyText,
  },
  format: {
    kind: 'value',
    short: 'o',
    placeholder: 'FORMAT',
    section: OUTPUT,
    help: ['text (default), md, csv, json or jsonl; other than text, the text goes to stderr'],
    read: oneOf(OUTPUT_FORMATS),
  },
  json: { kind: 'switch', section: OUTPUT, help: ['The same as -o json'] },
  export: {
    kind: 'value',
    placeholder: 'FILE',
    section: OUTPUT,
    help: ['Write FILE too, as its extension says: .json .jsonl .csv .md .txt .html; repeatable'],
    read: anyText,
    repeatable: true,
  },
  save: {
    kind: 'value',
    placeholder: 'NAME',
    section: OUTPUT,
    help: ['Keep the result as a baseline for `qwen_asr_bench compare`'],
    read: anyText,
  },
  ...baselineDirOption(OUTPUT),
  details: {
    kind: 'switch',
    section: OUTPUT,
    help: ['After the runs also print statistics, phases, memory, machine and doubts'],
  },
  plot: {
    kind: 'switch',
    section: OUTPUT,
    help: ['After the runs also draw their distribution, phases, sweeps and comparisons'],
  },
  ...standardOptions(OUTPUT),
} as const satisfies OptionTable;

/** What was given of them. */
export type BenchValues = OptionValues<typeof BENCH_OPTIONS>;

/** The help text of qwen_asr_bench. */
export const benchUsage = helpOf(
  usageLines('qwen_asr_bench -d <model_dir> [options]'),
  optionList(BENCH_OPTIONS, ['Required', 'Options'], { column: 16, names: 'short' }),
  optionList(BENCH_OPTIONS, [FURTHER, MEASURING, COMPARING, OUTPUT], { column: 22, names: 'both' }),
  paragraph(
    "-d also takes a model that was pulled, such as 0.6b; without -d it is that of QWEN_ASR_MODEL, else 0.6b, else the only one in the hub's cache. " +
      '-d also takes synthetic:SIZE[:SEED], SIZE being tiny, 0.6b or 1.7b: seeded random weights of the published shapes, made in memory. Every run then decodes 3 tokens a second of audio unless --tokens says otherwise.',
  ),
  paragraph(
    '-s takes 1 to 300 seconds, decimals included. -i also takes a directory: all recordings in it. ' +
      'Several values make a sweep, in which every combination is measured once: -t 1,2,4 or -t 1-4, -s 5-20+5 (steps of 5), ' +
      // The lists are those that the table of settings takes.
      `-s 5-60*2 (5, 10, 20, 40), several -d or -i; lists for ${LIST_FLAGS.filter((flag) => flag !== '-t').join(', ')}.`,
  ),
  paragraph(`Long names: ${longNames()}.`),
  paragraph(
    'Sub-commands, each with -h: compare A B (two results), report RESULT... (saved results in any format, HTML included), serve URL (a server under load), completion bash|zsh|fish (completion of these options).',
  ),
  examples(
    ['qwen_asr_bench -d MODEL -i clip.wav -n 10 --ref clip.txt', 'speed and word errors of a recording'],
    ['qwen_asr_bench -d synthetic:0.6b --roofline', 'what this machine could do, and does'],
    ['qwen_asr_bench -d MODEL -t 1,2,4,8 -n 10', 'the best number of threads'],
    ['qwen_asr_bench -d MODEL -s 5-80*2 --resume lengths.jsonl', 'what a second of audio costs'],
    ['qwen_asr_bench -d MODEL -i long.wav --segment 30 --batch 1,2,4', 'what decoding side by side gains'],
    ["qwen_asr_bench -d MODEL -n 20 --vs '--precision f32'", 'which setting is faster, and how sure that is'],
    ["qwen_asr_bench -d MODEL -i a.wav -n 10 --vs-cmd 'other -m {model} -t {threads} {audio}'"],
  ),
);

/** `-d --model, -t --threads, …` for the options that the classic block lists by their short name alone. */
function longNames(): string {
  return Object.entries<OptionTable[string]>(BENCH_OPTIONS)
    .filter(([, option]) => option.section === 'Required' || option.section === 'Options')
    .map(([name, { short }]) => `-${short} --${name}`)
    .join(', ');
}
