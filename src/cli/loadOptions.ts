import { anyText, decimalNumber, wholeNumber } from '../bench/settings/optionValues.js';
import { BENCH_OPTIONS } from './benchOptions.js';
import { baselineDirOption, singleOptions, standardOptions, sweepOptions } from './commonOptions.js';
import type { OptionTable, OptionValues } from './options.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';

const REQUESTS = 'Requests';
const LOAD = 'Load';
const OUTPUT = 'Output';

/** Where the key is when no file holds it. */
export const KEY_VARIABLE = 'QWEN_ASR_API_KEY';

const { format, json, export: exports, save, plot, details, resume } = BENCH_OPTIONS;

/** Options of `qwen_asr_bench serve`. */
export const LOAD_OPTIONS = {
  input: {
    ...BENCH_OPTIONS.input,
    section: REQUESTS,
    help: ['Recording to send, or a directory: all in it, in turn; several times'],
  },
  seconds: {
    ...BENCH_OPTIONS.seconds,
    section: REQUESTS,
    help: ['Seconds of silence to send without -i (default: 5)'],
    read: decimalNumber(1, 300, 'seconds'),
  },
  model: {
    kind: 'value',
    placeholder: 'NAME',
    section: REQUESTS,
    help: ['What requests ask for as model (default: the first that the endpoint lists)'],
    read: anyText,
  },
  ...singleOptions(['language'], REQUESTS),
  'key-file': {
    kind: 'value',
    placeholder: 'FILE',
    section: REQUESTS,
    help: [`Key of the endpoint, in the first line (default: that of ${KEY_VARIABLE})`],
    read: anyText,
  },
  ref: { ...BENCH_OPTIONS.ref, section: REQUESTS },
  realtime: {
    kind: 'switch',
    section: LOAD,
    help: ['Live sessions (/v1/realtime) instead of requests, at the pace of speech; -c says how many'],
  },
  ...sweepOptions(LOAD),
  runs: {
    kind: 'value',
    short: 'n',
    placeholder: 'N',
    section: LOAD,
    help: ['End a level after N measured requests, if that is earlier'],
    read: wholeNumber(1),
  },
  resume: { ...resume, section: LOAD },
  'dry-run': { ...BENCH_OPTIONS['dry-run'], section: LOAD },
  ...{ format, json, export: exports, save, ...baselineDirOption(OUTPUT), details, plot },
  ...standardOptions(OUTPUT),
} as const satisfies OptionTable;

/** What was given of them. */
export type LoadValues = OptionValues<typeof LOAD_OPTIONS>;

/** The help text of `qwen_asr_bench serve`. */
export const loadUsage = helpOf(
  usageLines('qwen_asr_bench serve URL [options]'),
  paragraph(
    'Measures a server that speaks the OpenAI API (POST /v1/audio/transcriptions), whoever made it: seconds of audio a second, time to the first text and to the end, what fails, and the knee of the curve. Every level of load is measured by itself, one after the other.',
  ),
  optionList(LOAD_OPTIONS, [REQUESTS, LOAD, OUTPUT], { column: 24, names: 'both' }),
  paragraph(
    'Lists and ranges as everywhere: -c 1,2,4 or -c 1-32*2, --rate 0.5-4+0.5. With --rate times count from when a request was to be sent, so nothing hides a stall. Exit code 1 when anything but 429 and 503 kept a request from being answered.',
  ),
  examples(
    ['qwen_asr_bench serve http://127.0.0.1:8000 -i clips -c 1-32*2', 'how many clients it carries'],
    ['qwen_asr_bench serve http://127.0.0.1:8000 -i clips --rate 1,2,4', 'how long they wait as they come'],
    [
      'qwen_asr_bench serve http://127.0.0.1:8000 -i clips --realtime -c 1-16*2',
      'how many can speak at a time',
    ],
    ['qwen_asr_bench serve https://example.org/v1 -i a.wav --ref a.txt', 'and whether the text is right'],
  ),
);
