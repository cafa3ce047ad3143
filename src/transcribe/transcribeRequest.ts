import type { PromptContent } from '../decoder/prompt.js';
import { QwenAsrError } from '../error.js';
import { resolveLanguage } from '../text/languages.js';
import type { TextModel } from './textModel.js';
import type { TranscribeOptions } from './types.js';

/** Token budget unless the caller sets one: at least this many, and this many per second of audio. */
const MIN_BUDGET = 512;
const BUDGET_PER_SECOND = 12;

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
  const forcedLanguage = language === undefined ? undefined : resolveLanguage(language, text.languages);
  const usualBudget = Math.max(MIN_BUDGET, Math.ceil((BUDGET_PER_SECOND * durationMs) / 1000));
  return {
    forcedLanguage,
    promptContent: {
      // Encoded together, because a merge may join the newline to what follows it.
      systemIds: context === '' ? undefined : text.tokenizer.encode(`system\n${context}`),
      languageNameIds: forcedLanguage === undefined ? undefined : text.tokenizer.encode(` ${forcedLanguage}`),
    },
    budget: exactTokens ?? maxTokens ?? usualBudget,
    exact: exactTokens !== undefined,
  };
}

function checkCount(name: string, count: number | undefined): void {
  if (count === undefined || (Number.isSafeInteger(count) && count >= 1)) return;
  throw new QwenAsrError('usage', `${name}: expected a whole number of at least 1, found ${count}`);
}
