import { readFileSync } from 'node:fs';
import { loadAudio } from '../audio/openAudio.js';
import { anyText, oneOf } from '../bench/settings/optionValues.js';
import { fileError, QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import { loadAligner } from '../transcribe/align/loadAligner.js';
import { ALIGNMENT_FORMATS, writeAlignment } from '../transcribe/formats/alignmentFormat.js';
import { chosenAligner } from './chosenModel.js';
import { answersStandard, arithmeticOptions, loadOptionsOf, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { missingOption } from './transcribeOptions.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';

/** Options of `qwen_asr align`. */
export const ALIGN_OPTIONS = {
  model: {
    kind: 'value',
    short: 'd',
    placeholder: 'DIR',
    section: 'Options',
    help: ['Directory of the aligner (default: the one that `qwen_asr pull aligner` fetched)'],
    read: anyText,
  },
  input: {
    kind: 'value',
    short: 'i',
    placeholder: 'FILE',
    section: 'Required',
    help: ['Recording (WAV, MP3, FLAC, Ogg; more with ffmpeg); - is standard input'],
    read: anyText,
  },
  text: {
    kind: 'value',
    placeholder: 'FILE',
    section: 'Required',
    help: ['What is said in it, as UTF-8; - is standard input'],
    read: anyText,
  },
  language: {
    kind: 'value',
    placeholder: 'NAME',
    section: 'Options',
    help: ['Language spoken, by name, code or locale; Japanese and Korean are told by their script'],
    read: anyText,
  },
  format: {
    kind: 'value',
    short: 'o',
    placeholder: 'FORMAT',
    section: 'Options',
    help: ['txt (default: a line for each word), json, srt, vtt, lrc or tsv'],
    read: oneOf(ALIGNMENT_FORMATS),
  },
  ...arithmeticOptions('Options'),
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of `qwen_asr align`. */
const alignUsage = helpOf(
  usageLines('qwen_asr align [-d <aligner_dir>] -i <file> --text <file> [options]'),
  paragraph('Says when each word of a text is spoken in a recording that says it.'),
  optionList(ALIGN_OPTIONS, ['Required', 'Options'], { column: 22, names: 'both' }),
  examples(
    ['qwen_asr align -i talk.mp3 --text talk.txt', 'start and end in seconds, and the word'],
    ['qwen_asr align -i talk.mp3 --text talk.txt -o srt', 'subtitles of a text that one has'],
  ),
);

/** `qwen_asr align -d ALIGNER -i FILE --text FILE`: when the words of a text are spoken. */
export async function alignCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(ALIGN_OPTIONS, context.args);
  if (answersStandard(values, alignUsage, context)) return EXIT.ok;
  const { input, language, format = 'txt' } = values;
  if (input === undefined) throw missingOption('-i', 'a recording');
  if (values.text === undefined) throw missingOption('--text', 'a file with what is said in it');
  if (input === '-' && values.text === '-') {
    throw new QwenAsrError('usage', '--text: expected a file, found standard input, which is the recording');
  }
  const source = chosenAligner(values.model);
  const text = readText(values.text);
  const { signal } = context;
  const { samples, durationMs, notes } = await loadAudio(input, { signal });
  const aligner = await loadAligner(source, { ...loadOptionsOf(values), signal });
  try {
    const options = { signal, ...(language !== undefined && { language }) };
    const aligned = await aligner.align(samples, text, options);
    for (const note of [...notes, ...aligned.notes]) context.err(`note: ${printableLine(note)}\n`);
    const facts = { input, durationMs, text, language: language ?? null, aligner: aligner.info };
    context.out(writeAlignment(format, { ...facts, ...aligned }));
  } finally {
    await aligner.close();
  }
  return EXIT.ok;
}

/** The text of a file, without the white space around it. */
function readText(path: string): string {
  try {
    const bytes = readFileSync(path === '-' ? 0 : path);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
  } catch (cause) {
    const label = path === '-' ? 'standard input' : path;
    if (cause instanceof TypeError) throw new QwenAsrError('usage', `${label}: not UTF-8 text`, { cause });
    throw fileError(label, cause);
  }
}
