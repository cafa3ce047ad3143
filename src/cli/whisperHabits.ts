import { QwenAsrError } from '../error.js';
import type { OptionTable } from './options.js';

/** What becomes of an option that people know from another program. */
type Habit =
  /** Ours by another name. */
  | { readonly to: string }
  /** Stands for these of ours, and has no value. */
  | { readonly means: readonly string[] }
  /** Needs no saying, for this value of it if it has one. */
  | { readonly isSo: string | null; readonly advice?: string }
  /** What to do instead, because it could mean two things or there is no such thing. */
  | { readonly advice: string };

const format = (name: string): Habit => ({ means: ['--format', name] });

const ONE_TOKEN = 'leave it out: the likeliest token is taken at every step';
const LINES = 'leave it out: cues have at most two lines of 42 columns';
const NO_TRANSLATION = 'leave it out: the models write what is spoken, in its language';

/**
 * Options of whisper.cpp (one dash, or dashes between words) and openai-whisper (underscores). What can mean but one thing
 * is taken as that; the rest is answered with what to write.
 */
export const WHISPER_HABITS: Readonly<Record<string, Habit>> = {
  '-m': { to: '--model' },
  '-l': { to: '--language' },
  '--file': { to: '--input' },
  '--output_format': { to: '--format' },
  '--initial_prompt': { to: '--prompt' },
  '--word_timestamps': { to: '--timestamps' },
  '-otxt': format('txt'),
  '-osrt': format('srt'),
  '-ovtt': format('vtt'),
  '-olrc': format('lrc'),
  '-oj': format('json'),
  '-ojf': format('json'),
  '--output-txt': format('txt'),
  '--output-srt': format('srt'),
  '--output-vtt': format('vtt'),
  '--output-lrc': format('lrc'),
  '--output-json': format('json'),
  '--output-json-full': format('json'),
  '-nt': { isSo: null },
  '--no-timestamps': { isSo: null },
  '-np': { isSo: null },
  '--no-prints': { isSo: null },
  '-pp': { isSo: null },
  '--print-progress': { isSo: null },
  '-ng': { isSo: null },
  '--no-gpu': { isSo: null },
  '--device': { isSo: 'cpu', advice: 'leave it out: everything runs on the CPU' },
  '--task': { isSo: 'transcribe', advice: NO_TRANSLATION },
  '--fp16': { isSo: 'False', advice: 'write --precision bf16' },
  '-f': { advice: 'write -i FILE for a recording, -o FORMAT for an output format' },
  '-tr': { advice: NO_TRANSLATION },
  '--translate': { advice: NO_TRANSLATION },
  '-of': { advice: 'write --output-dir DIR; files are named after their recordings' },
  '--output-file': { advice: 'write --output-dir DIR; files are named after their recordings' },
  '-ocsv': { advice: 'write -o tsv' },
  '--output-csv': { advice: 'write -o tsv' },
  '-dl': { advice: 'write -o json, which says the language' },
  '--detect-language': { advice: 'write -o json, which says the language' },
  '-p': { advice: 'write -t N for threads, or --batch N for segments side by side' },
  '--processors': { advice: 'write -t N for threads, or --batch N for segments side by side' },
  '-ml': { advice: LINES },
  '--max-len': { advice: LINES },
  '-sow': { advice: LINES },
  '--split-on-word': { advice: LINES },
  '--max_line_width': { advice: LINES },
  '--max_line_count': { advice: LINES },
  '--max_words_per_line': { advice: LINES },
  '-bs': { advice: ONE_TOKEN },
  '--beam-size': { advice: ONE_TOKEN },
  '--beam_size': { advice: ONE_TOKEN },
  '-bo': { advice: ONE_TOKEN },
  '--best-of': { advice: ONE_TOKEN },
  '--best_of': { advice: ONE_TOKEN },
  '-tp': { advice: ONE_TOKEN },
  '--temperature': { advice: ONE_TOKEN },
  '--model_dir': { advice: 'write -d DIR for a model directory, or set HF_HUB_CACHE' },
  '--verbose': { advice: 'leave it out' },
};

/** Values of openai-whisper that are called otherwise here. */
const VALUES: Readonly<Record<string, string>> = {
  '--output_format all': 'txt,vtt,srt,tsv,json',
  '--word_timestamps true': 'word',
  '--word_timestamps false': 'segment',
};

/**
 * A command line in our own words. Values of options are left alone, as is what follows `--`.
 *
 * @throws QwenAsrError `usage` that says what to write, for what could mean two things
 * @example
 * withoutHabits(TRANSCRIBE_OPTIONS, ['-m', '0.6b', '-osrt', 'a.wav']); // ['--model', '0.6b', '--format', 'srt', 'a.wav']
 */
export function withoutHabits(table: OptionTable, args: readonly string[]): string[] {
  const ours: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '--') return [...ours, ...args.slice(at)];
    const [, typed = arg, inline] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? [];
    const habit = Object.hasOwn(WHISPER_HABITS, typed) ? WHISPER_HABITS[typed] : undefined;
    const name = habit !== undefined && 'to' in habit ? habit.to : ownName(table, typed);
    if (habit !== undefined && !('to' in habit)) {
      const value = inline ?? args[at + 1];
      ours.push(...meaningOf(typed, habit, value));
      if ('isSo' in habit && habit.isSo !== null && inline === undefined) at++;
    } else {
      const takesNext = inline === undefined && hasValue(table, name) && at + 1 < args.length;
      const value = inline ?? (takesNext ? args[++at]! : undefined);
      const given = VALUES[`${typed} ${value}`.toLowerCase()] ?? value;
      if (inline === undefined) ours.push(name, ...(given === undefined ? [] : [given]));
      else ours.push(`${name}=${given}`);
    }
  }
  return ours;
}

function meaningOf(
  typed: string,
  habit: Exclude<Habit, { readonly to: string }>,
  value: string | undefined,
): readonly string[] {
  if ('means' in habit) return habit.means;
  if ('isSo' in habit && (habit.isSo === null || habit.isSo.toLowerCase() === value?.toLowerCase()))
    return [];
  throw new QwenAsrError('usage', `${typed}: ${habit.advice}; -h lists the options`);
}

/** With dashes for underscores where it is ours then: `--output_dir`. */
function ownName(table: OptionTable, typed: string): string {
  const dashed = typed.replaceAll('_', '-');
  return typed.startsWith('--') && Object.hasOwn(table, dashed.slice(2)) ? dashed : typed;
}

/** Whether what follows an option is its value. */
function hasValue(table: OptionTable, name: string): boolean {
  return Object.entries(table).some(
    ([long, { kind, short }]) => kind === 'value' && (name === `--${long}` || name === `-${short}`),
  );
}
