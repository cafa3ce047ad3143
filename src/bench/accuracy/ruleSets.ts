import { isEnglish } from './chooseMetric.js';
import { normalizeEnglish } from './normalizeEnglish.js';
import { normalizeMultilingual } from './normalizeMultilingual.js';

/**
 * The rules by which texts are normalised before they are compared. A change of what they make of any text gets a new
 * number: rates by different rules are different quantities.
 */
export const RULE_SETS = { 'english-1': normalizeEnglish, 'multilingual-1': normalizeMultilingual } as const;

export type RuleSet = keyof typeof RULE_SETS;

/** The rules for a language, by ISO 639 code or English name; unknown: multilingual. */
export function ruleSetOf(language: string | undefined): RuleSet {
  return isEnglish(language) ? 'english-1' : 'multilingual-1';
}
