import { availableParallelism } from 'node:os';
import { anyText, listOf, oneOf, segmentSeconds, wholeNumber } from '../bench/settings/optionValues.js';
import { crowdingNote } from '../bench/text/classicText.js';
import { QwenAsrError } from '../error.js';
import { isCueFormat, TRANSCRIPT_FORMATS } from '../transcribe/formats/transcriptFormat.js';
import { loadModel } from '../transcribe/loadModel.js';
import type { SpeechModel, TranscribeLongOptions } from '../transcribe/types.js';
import { checkLanguage, chosenModel } from './chosenModel.js';
import { answersStandard, arithmeticOptions, loadOptionsOf, standardOptions } from './commonOptions.js';
import { findInputs, type Inputs } from './inputRecordings.js';
import { checkSink, formatsOf, openSink } from './openSink.js';
import { type OptionTable, type OptionValues, parseOptions } from './options.js';
import { LiveTranscript } from './resultSinks.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { transcribeRecordings } from './transcribeRecordings.js';
import { TranscriptionReporter } from './transcriptionReporter.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';
import { withoutHabits } from './whisperHabits.js';

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
    help: [
      'Recording (WAV, MP3, FLAC, Ogg; more with ffmpeg), or a directory of them; - is standard input. May be given several times.',
    ],
    read: anyText,
    repeatable: true,
  },
  language: {
    kind: 'value',
    placeholder: 'NAME',
    section: 'Options',
    help: ['Language spoken, by name, code or locale (default: auto, recognised)'],
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
    help: ['Stop a segment after N tokens (default: 512, or 12 a second if more)'],
    read: wholeNumber(1),
  },
  segment: {
    kind: 'value',
    placeholder: 'SECONDS',
    section: 'Options',
    help: [
      'Split at quiet points into segments of this length; 0: never (default: 30 for recordings over 60 s)',
    ],
    read: segmentSeconds,
  },
  batch: {
    kind: 'value',
    placeholder: 'N',
    section: 'Options',
    help: ['Segments decoded side by side (default: 4); more take more memory'],
    read: wholeNumber(1),
  },
  'skip-silence': {
    kind: 'switch',
    section: 'Options',
    help: ['Leave out silence: 1 s or more below -60 dBFS'],
  },
  vad: {
    kind: 'switch',
    section: 'Options',
    help: [
      'Leave out all but speech (voice activity): segments begin and end at pauses, 30 s long at most, or as --segment says',
    ],
  },
  format: {
    kind: 'value',
    short: 'o',
    placeholder: 'FORMAT',
    section: 'Options',
    help: [
      'txt (default), json, jsonl, srt, vtt, lrc or tsv; several (srt,json) are written into files beside the recording',
    ],
    read: listOf(oneOf(TRANSCRIPT_FORMATS)),
    repeatable: true,
  },
  json: { kind: 'switch', section: 'Options', help: ['The same as -o json'] },
  logprobs: {
    kind: 'switch',
    section: 'Options',
    help: ['List the log-probability of every token (json, jsonl)'],
  },
  'output-dir': {
    kind: 'value',
    placeholder: 'DIR',
    section: 'Options',
    help: ['Write files for each recording into this directory'],
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
  ...arithmeticOptions('Options'),
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of qwen_asr. */
export const transcribeUsage = helpOf(
  usageLines(
    'qwen_asr -d <model_dir> -i <file> [options] [<file>...]',
    'qwen_asr serve -d <model_dir>',
    'qwen_asr pull <model>..., list, remove <model>...',
    'qwen_asr check -d <model_dir>',
    'qwen_asr synthesize <size> <dir> [--seed N]',
    'qwen_asr completion bash|zsh|fish',
  ),
  optionList(TRANSCRIBE_OPTIONS, ['Required', 'Options'], { column: 22, names: 'both' }),
  paragraph(
    "-d also takes a model that was pulled, such as 0.6b, and synthetic:SIZE[:SEED], SIZE being tiny, 0.6b or 1.7b: random weights, whose text is meaningless. Without -d it is the model of QWEN_ASR_MODEL, else 0.6b of the hub's cache, else the only one there.",
  ),
  examples(
    ['qwen_asr -d MODEL -i talk.mp3', 'the text of a recording'],
    ['qwen_asr -d MODEL -i talk.mp3 --language de -o srt', 'subtitles, on standard output'],
    ['qwen_asr -d MODEL -i recordings --output-dir texts', 'a file for each recording in a directory'],
    ['qwen_asr -d MODEL *.wav -o jsonl', 'a line for each segment, for other programs'],
    ['ffmpeg -i film.mkv -f wav - | qwen_asr -d MODEL -i -', 'what another program sends'],
    ['qwen_asr pull 0.6b', 'a model from the Hugging Face Hub, 1.9 GB'],
  ),
);

type Values = OptionValues<typeof TRANSCRIBE_OPTIONS>;

/** `qwen_asr -d DIR -i FILE…`: speech to text. */
export async function transcribeCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(
    TRANSCRIBE_OPTIONS,
    withoutHabits(TRANSCRIBE_OPTIONS, context.args),
    Number.POSITIVE_INFINITY,
  );
  if (answersStandard(values, transcribeUsage, context)) return EXIT.ok;
  const { input = [] } = values;
  const source = chosenModel(values.model);
  if (source === null) throw missing('-d', 'a model directory', '`qwen_asr pull 0.6b` fetches one, ');
  if (input.length + positionals.length === 0) throw missing('-i', 'a recording');
  checkLanguage(values.language, source);
  const inputs = await findInputs([...input, ...positionals]);
  checkSink(values, inputs, source);
  if (values['output-dir'] !== undefined || formatsOf(values).length > 1) context.outliveReader?.();
  const model = await openModel(source, values, context, inputs);
  try {
    return await transcribeAll(model, inputs, values, context);
  } finally {
    await model?.close();
  }
}

function missing(option: string, expected: string, advice = ''): QwenAsrError {
  const hint = 'qwen_asr -h lists the options and has examples';
  return new QwenAsrError('usage', `${option}: expected ${expected}, found none; ${advice}${hint}`);
}

/** The model, unless there is nothing for it to do. */
async function openModel(
  source: string,
  values: Values,
  { signal, err }: CommandContext,
  { recordings }: Inputs,
): Promise<SpeechModel | undefined> {
  if (recordings.length === 0) return undefined;
  return loadModel(source, {
    ...loadOptionsOf(values),
    signal,
    onBackend: ({ note, threadCount }) => {
      const shown = note ?? crowdingNote(threadCount, availableParallelism());
      if (shown !== null) err(`note: ${shown}\n`);
    },
  });
}

async function transcribeAll(
  model: SpeechModel | undefined,
  inputs: Inputs,
  values: Values,
  context: CommandContext,
): Promise<ExitCode> {
  const { sink, progress } = openSink(values, inputs, context);
  const reporter = new TranscriptionReporter(sink, inputs, context, progress);
  try {
    for (const { input, error } of inputs.failures) reporter.failedInput(input, error);
    if (model !== undefined) {
      const live = sink instanceof LiveTranscript ? sink : undefined;
      const options = longOptionsOf(values, context.signal);
      const watched = live === undefined ? options : { ...options, onToken: live.token.bind(live) };
      await transcribeRecordings(model, inputs.recordings, watched, reporter);
    }
  } finally {
    reporter.close();
  }
  return reporter.failures === 0 ? EXIT.ok : EXIT.error;
}

function longOptionsOf(values: Values, signal: AbortSignal): TranscribeLongOptions {
  const { language, prompt, segment, batch } = values;
  const maxTokens = values['max-tokens'];
  return {
    signal,
    ...(language !== undefined && { language }),
    ...(prompt !== undefined && { context: prompt }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(segment !== undefined && { segmentMs: segment === 0 ? Number.POSITIVE_INFINITY : segment * 1000 }),
    ...(batch !== undefined && { batch }),
    ...(values['skip-silence'] && { skipSilence: true }),
    ...(values.vad && { vad: true }),
    ...(cuesFromPauses(values) && CUE_SEGMENTS),
  };
}

/** Of cues without times of words: speech between pauses of half a second, in which the words share the time. */
const CUE_SEGMENTS = { segmentMs: 12_000, vad: { silenceMs: 500 } } as const;

/** Whether there will be cues, and nobody has said how the recording is to be cut. */
function cuesFromPauses(values: Values): boolean {
  if (values.segment !== undefined || values.vad || values['skip-silence']) return false;
  return formatsOf(values).some(isCueFormat);
}
