import type { ModelCellPlan } from '../bench/plan/benchPlan.js';
import { QwenAsrError } from '../error.js';
import { isAutomatic } from '../text/languages.js';
import { DEFAULT_BATCH, MAX_BATCH } from '../transcribe/transcribeSegments.js';
import { arithmeticOptions } from './arithmeticOptions.js';
import { checkSegments } from './checkSegments.js';
import { type OptionTable, type OptionValues, parseOptions } from './options.js';
import { anyText, wholeNumber } from './optionValues.js';
import { segmentSeconds } from './segmentSeconds.js';
import { shellWords } from './shellWords.js';

const section = '--vs';
const help: readonly string[] = [];
const value = { kind: 'value', placeholder: 'VALUE', section, help } as const;

/** What the two sides of a comparison may differ in: not the audio, nor how it is measured. */
const RIVAL_OPTIONS = {
  model: { ...value, short: 'd', read: anyText },
  threads: { ...value, short: 't', read: wholeNumber(1) },
  ...arithmeticOptions(section),
  tokens: { ...value, read: wholeNumber(1) },
  segment: { ...value, read: segmentSeconds },
  batch: { ...value, read: wholeNumber(1, MAX_BATCH) },
  'skip-silence': { kind: 'switch', section, help },
  language: { ...value, read: anyText },
} as const satisfies OptionTable;

/**
 * The other side of a comparison: the base with some of its options replaced. Without any it is the base again, which
 * shows what the comparison makes of nothing.
 *
 * @param text of `--vs`, for example `-t 1 --precision f32`
 * @throws QwenAsrError `usage`
 */
export function planRival(base: ModelCellPlan, text: string): ModelCellPlan {
  const values = readRival(text);
  const { model, tokens, language, segment, batch, 'skip-silence': skip, ...load } = values;
  const label = text.trim() === '' ? 'the same again' : text.trim();
  const rival: ModelCellPlan = {
    ...base,
    id: label,
    label,
    model: model ?? base.model,
    load: { ...base.load, ...load },
    exactTokens: tokens ?? base.exactTokens,
    language: language === undefined ? base.language : isAutomatic(language) ? undefined : language,
    ...cutting(base, values),
    skipSilence: skip ?? base.skipSilence,
  };
  checkSegments(values, [rival], '--vs: ');
  return rival;
}

function cutting(
  base: ModelCellPlan,
  { segment, batch }: OptionValues<typeof RIVAL_OPTIONS>,
): Pick<ModelCellPlan, 'segmentSeconds' | 'batch'> {
  const seconds = segment === undefined ? base.segmentSeconds : segment === 0 ? null : segment;
  if (seconds === null) return { segmentSeconds: null, batch: 1 };
  const usual = base.segmentSeconds === null ? DEFAULT_BATCH : base.batch;
  return { segmentSeconds: seconds, batch: batch ?? usual };
}

function readRival(text: string) {
  try {
    return parseOptions(RIVAL_OPTIONS, shellWords(text, '--vs')).values;
  } catch (error) {
    if (!(error instanceof QwenAsrError) || error.message.startsWith('--vs')) throw error;
    const names = Object.keys(RIVAL_OPTIONS).map((name) => `--${name}`);
    const hint = error.message.startsWith('unknown option') ? ` (--vs takes ${names.join(', ')})` : '';
    const message = error.message.replace(/; -h lists.*/, '');
    throw new QwenAsrError('usage', `--vs: ${message}${hint}`, { cause: error });
  }
}
