import type { PromptContent } from '../decoder/prompt.js';
import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';
import { resolveLanguage } from '../text/languages.js';
import type { TextModel } from './textModel.js';
import type { TranscribeOptions } from './types.js';

/** Token budget unless the caller sets one: at least this many, and this many per second of audio. */
const MIN_BUDGET = 512;
const BUDGET_PER_SECOND = 12;

/** Above any transcript, and small enough that positions are counted exactly: a budget is memory. */
const MAX_TOKENS = 2 ** 20;

/** Validated options of one transcription. */
export interface TranscribeRequest {
  readonly forcedLanguage: string | undefined;
  readonly promptContent: Omit<PromptContent, 'audioTokens'>;
  /** Tokens to generate at most, or exactly. */
  readonly budget: number;
  readonly exact: boolean;
}

/**
 * Checks the options and turns their texts into ids.
 *
 * @throws QwenAsrError `usage` for an unknown language or a count below 1; `tokenizer` for text that the vocabulary
 * cannot encode
 */
export function resolveRequest(
  text: TextModel,
  options: TranscribeOptions,
  durationMs: number,
): TranscribeRequest {
  const { language, context = '', maxTokens, exactTokens } = options;
  checkCount('maxTokens', maxTokens);
  checkCount('exactTokens', exactTokens);
  if (typeof context !== 'string') throw notText('context', context);
  if (language !== undefined && typeof language !== 'string') throw notText('language', language);
  const forcedLanguage = language === undefined ? undefined : resolveLanguage(language, text.languages);
  return {
    forcedLanguage,
    promptContent: {
      // Encoded together, because a merge may join the newline to what follows it.
      systemIds: context === '' ? undefined : encode(text, `system\n${context}`, 'context'),
      languageNameIds:
        forcedLanguage === undefined ? undefined : encode(text, ` ${forcedLanguage}`, 'language'),
    },
    budget: exactTokens ?? maxTokens ?? usualBudget(durationMs),
    exact: exactTokens !== undefined,
  };
}

/** Tokens that a clip may take unless the caller says otherwise. */
export function usualBudget(durationMs: number): number {
  return Math.max(MIN_BUDGET, Math.ceil((BUDGET_PER_SECOND * durationMs) / 1000));
}

function encode(text: TextModel, what: string, option: keyof TranscribeOptions): number[] {
  try {
    return text.encode(what);
  } catch (error) {
    if (!(error instanceof QwenAsrError && error.code === 'tokenizer')) throw error;
    throw new QwenAsrError(error.code, error.message, { cause: error, option });
  }
}

function checkCount(option: keyof TranscribeOptions, count: number | undefined): void {
  if (count === undefined || (Number.isInteger(count) && count >= 1 && count <= MAX_TOKENS)) return;
  const expected = `expected a whole number from 1 to ${MAX_TOKENS}`;
  throw new QwenAsrError('usage', `${expected}, found ${describeArgument(count)}`, { option });
}

/** Callers without a type checker. */
function notText(option: keyof TranscribeOptions, found: never): QwenAsrError {
  return new QwenAsrError('usage', `expected text, found ${describeArgument(found)}`, { option });
}
