import { anyText, durationMs, wholeNumber } from '../bench/settings/optionValues.js';
import { QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import { loadAligner } from '../transcribe/align/loadAligner.js';
import { loadModel } from '../transcribe/loadModel.js';
import type { Aligner, LoadOptions, SpeechModel } from '../transcribe/types.js';
import { chosenAligner, chosenModel } from './chosenModel.js';
import type { OptionTable } from './options.js';
import type { CommandContext } from './runCommand.js';

/** An option with a value, in the words of the tables of servers and workers. */
export function valueOption<Value, const Section extends string>(
  section: Section,
  placeholder: string,
  read: (text: string, option: string) => Value,
  ...help: string[]
) {
  return { kind: 'value', placeholder, section, help, read } as const;
}

/** What a server and a worker load. */
export const SERVED_MODEL_OPTIONS = {
  model: {
    ...valueOption('Model', 'DIR', anyText, 'Model directory, or a model that was pulled'),
    short: 'd',
  },
  aligner: valueOption(
    'Model',
    'DIR',
    anyText,
    'Forced aligner, or aligner for the one that was pulled: times of words',
  ),
} as const satisfies OptionTable;

const LIMITS = 'Limits';

/** Limits of a server and of a worker, each of which places them in its own table. */
export const SERVED_LIMITS = {
  batch: valueOption(LIMITS, 'N', wholeNumber(1, 1024), 'Segments decoded side by side (default: 8)'),
  'memory-mb': valueOption(
    LIMITS,
    'N',
    wholeNumber(1, 100_000_000),
    'Megabytes of all segments and sessions (default: half of what is free)',
  ),
  'max-duration': valueOption(LIMITS, 'TIME', durationMs, 'Length of one recording (default: 240m)'),
  'no-ffmpeg': {
    kind: 'switch',
    section: LIMITS,
    help: ['Refuse what is neither WAV, MP3, FLAC nor Ogg'],
  },
  tokens: valueOption(LIMITS, 'N', wholeNumber(1), 'Exactly N tokens a segment: for measurements'),
} as const satisfies OptionTable;

/** The address of a queue. */
export function redisUrl(text: string, option: string): string {
  if (/^rediss?:\/\/[^/]/.test(text) && URL.canParse(text)) return text;
  // It may hold a password, so it is not shown.
  throw new QwenAsrError('usage', `${option}: expected an address such as redis://127.0.0.1:6379`);
}

/** The name of a queue. */
export function queueName(text: string, option: string): string {
  if (/^[\w.-]{1,100}$/.test(text)) return text;
  const found = JSON.stringify(text);
  throw new QwenAsrError('usage', `${option}: expected letters, digits, dots, - and _, found ${found}`);
}

/** What is loaded for clients. */
export interface ServedModel {
  /** The model's directory. */
  readonly source: string;
  readonly model: SpeechModel;
  readonly aligner: Aligner | null;
}

/**
 * Loads a model and an aligner for as long as `use` takes.
 *
 * @param command names it in messages
 * @throws QwenAsrError `usage` without a model; what loading throws; what `use` throws
 */
export async function withServedModel<T>(
  command: string,
  values: { readonly model?: string; readonly aligner?: string },
  options: LoadOptions,
  { signal, err }: CommandContext,
  use: (served: ServedModel) => Promise<T>,
): Promise<T> {
  const source = chosenModel(values.model);
  if (source === null) {
    throw new QwenAsrError('usage', `${command}: -d: expected a model directory, found none; -h explains`);
  }
  const alignerSource = values.aligner === undefined ? null : chosenAligner(values.aligner);
  const model = await loadModel(source, {
    ...options,
    signal,
    onBackend: ({ note }) => {
      if (note !== null) err(`note: ${printableLine(note)}\n`);
    },
  });
  let aligner: Aligner | null = null;
  try {
    if (alignerSource !== null) aligner = await loadAligner(alignerSource, { ...options, signal });
    return await use({ source, model, aligner });
  } finally {
    await aligner?.close();
    await model.close();
  }
}
