import { parseRawFormat } from '../audio/pcmStream.js';
import {
  anyText,
  decimalNumber,
  listOf,
  oneOf,
  segmentSeconds,
  wholeNumber,
} from '../bench/settings/optionValues.js';
import { QwenAsrError } from '../error.js';
import { TRANSCRIPT_FORMATS } from '../transcribe/formats/transcriptFormat.js';
import { arithmeticOptions, standardOptions } from './commonOptions.js';
import type { OptionTable, OptionValues } from './options.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';

const LIVE = 'Live';

function rawFormat(text: string, option: string): string {
  if (parseRawFormat(text) !== null) return text;
  const expected = 'expected a format such as s16le:16000 or f32le:48000:2';
  throw new QwenAsrError('usage', `${option}: ${expected}, found ${JSON.stringify(text)}`);
}

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
  timestamps: {
    kind: 'value',
    placeholder: 'UNIT',
    section: 'Options',
    help: ['segment (default), or word: when each word is spoken, for json, jsonl and better subtitles'],
    read: oneOf(['segment', 'word']),
  },
  aligner: {
    kind: 'value',
    placeholder: 'DIR',
    section: 'Options',
    help: ['What finds the times of words (default: aligner, which `qwen_asr pull aligner` fetches)'],
    read: anyText,
  },
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
  stream: {
    kind: 'switch',
    section: LIVE,
    help: [
      'Text while it is spoken: -i - (a WAV file that is being written, or --raw), or a recording as it is played',
    ],
  },
  mic: {
    kind: 'switch',
    section: LIVE,
    help: ['The same from the microphone, through a recorder of the system'],
  },
  raw: {
    kind: 'value',
    placeholder: 'FORMAT',
    section: LIVE,
    help: [
      'What raw samples come with -i -: u8, s16le, s24le, s32le or f32le, :RATE, and :CHANNELS unless 1',
    ],
    read: rawFormat,
  },
  pace: {
    kind: 'value',
    placeholder: 'PACE',
    section: LIVE,
    help: ['recording (default) or max: as fast as it can be transcribed'],
    read: oneOf(['recording', 'max']),
  },
  chunk: {
    kind: 'value',
    placeholder: 'SECONDS',
    section: LIVE,
    help: ['Audio from one step to the next, 0.5 to 30 (default: 2)'],
    read: decimalNumber(0.5, 30, 'seconds'),
  },
  save: {
    kind: 'value',
    placeholder: 'FILE',
    section: LIVE,
    help: ['Keep what is heard in a WAV file, which must not exist'],
    read: anyText,
  },
  ...arithmeticOptions('Options'),
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of qwen_asr. */
export const transcribeUsage = helpOf(
  usageLines(
    'qwen_asr -d <model_dir> -i <file> [options] [<file>...]',
    'qwen_asr -d <model_dir> --mic',
    'qwen_asr serve -d <model_dir>',
    'qwen_asr worker -d <model_dir> --redis <url> --spool <dir>',
    'qwen_asr pull <model>..., list, remove <model>...',
    'qwen_asr align -d <aligner_dir> -i <file> --text <file>',
    'qwen_asr check -d <model_dir>',
    'qwen_asr synthesize <size> <dir> [--seed N]',
    'qwen_asr completion bash|zsh|fish',
  ),
  optionList(TRANSCRIBE_OPTIONS, ['Required', 'Options', LIVE], { column: 22, names: 'both' }),
  paragraph(
    "-d also takes a model that was pulled, such as 0.6b, and synthetic:SIZE[:SEED], SIZE being tiny, 0.6b or 1.7b: random weights, whose text is meaningless. Without -d it is the model of QWEN_ASR_MODEL, else 0.6b of the hub's cache, else the only one there.",
  ),
  examples(
    ['qwen_asr -d MODEL -i talk.mp3', 'the text of a recording'],
    ['qwen_asr -d MODEL -i talk.mp3 --language de -o srt', 'subtitles, on standard output'],
    ['qwen_asr -d MODEL -i recordings --output-dir texts', 'a file for each recording in a directory'],
    ['qwen_asr -d MODEL *.wav -o jsonl', 'a line for each segment, for other programs'],
    ['ffmpeg -i film.mkv -f wav - | qwen_asr -d MODEL -i -', 'what another program sends'],
    ['qwen_asr -d MODEL -i talk.mp3 --timestamps word -o srt', 'subtitles that follow the words'],
    ['qwen_asr -d MODEL --mic', 'what is spoken into the microphone, until Ctrl-C'],
    ['qwen_asr pull 0.6b', 'a model from the Hugging Face Hub, 1.9 GB'],
  ),
);

/** What was given of them. */
export type TranscribeValues = OptionValues<typeof TRANSCRIBE_OPTIONS>;

/** The error for what nothing can be done without. */
export function missingOption(option: string, expected: string, advice = ''): QwenAsrError {
  const hint = 'qwen_asr -h lists the options and has examples';
  return new QwenAsrError('usage', `${option}: expected ${expected}, found none; ${advice}${hint}`);
}
