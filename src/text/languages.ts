import { QwenAsrError } from '../error.js';

/** A language by the name that prompt and output use, and its code (ISO 639-1, where there is none 639-3). */
export interface Language {
  readonly name: string;
  readonly code: string;
}

/** What the published checkpoints support, in the order of their `support_languages` (technical report, table 1). */
export const languages: readonly Language[] = [
  { name: 'Chinese', code: 'zh' },
  { name: 'English', code: 'en' },
  { name: 'Cantonese', code: 'yue' },
  { name: 'Arabic', code: 'ar' },
  { name: 'German', code: 'de' },
  { name: 'French', code: 'fr' },
  { name: 'Spanish', code: 'es' },
  { name: 'Portuguese', code: 'pt' },
  { name: 'Indonesian', code: 'id' },
  { name: 'Italian', code: 'it' },
  { name: 'Korean', code: 'ko' },
  { name: 'Russian', code: 'ru' },
  { name: 'Thai', code: 'th' },
  { name: 'Vietnamese', code: 'vi' },
  { name: 'Japanese', code: 'ja' },
  { name: 'Turkish', code: 'tr' },
  { name: 'Hindi', code: 'hi' },
  { name: 'Malay', code: 'ms' },
  { name: 'Dutch', code: 'nl' },
  { name: 'Swedish', code: 'sv' },
  { name: 'Danish', code: 'da' },
  { name: 'Finnish', code: 'fi' },
  { name: 'Polish', code: 'pl' },
  { name: 'Czech', code: 'cs' },
  { name: 'Filipino', code: 'fil' },
  { name: 'Persian', code: 'fa' },
  { name: 'Greek', code: 'el' },
  { name: 'Romanian', code: 'ro' },
  { name: 'Hungarian', code: 'hu' },
  { name: 'Macedonian', code: 'mk' },
];

/** Names of all languages: the default of a model that states none. */
export const languageNames: readonly string[] = languages.map(({ name }) => name);

/**
 * The name of a forced language as the prompt spells it.
 *
 * @param nameOrCode `German`, `german` or `de`; case and surrounding space do not matter
 * @param supported names from the model's `support_languages`
 * @throws QwenAsrError `usage` listing the supported languages when this is none of them.
 * @example
 * resolveLanguage('DE', ['English', 'German']); // 'German'
 */
export function resolveLanguage(nameOrCode: string, supported: readonly string[]): string {
  const wanted = nameOrCode.trim().toLowerCase();
  const name = supported.find((candidate) => {
    return candidate.toLowerCase() === wanted || codeOf(candidate) === wanted;
  });
  if (name !== undefined) return name;
  const known = supported.map((candidate) => {
    const code = codeOf(candidate);
    return code === undefined ? candidate : `${candidate} (${code})`;
  });
  const line = `expected one of ${known.join(', ')}; found ${JSON.stringify(nameOrCode)}`;
  throw new QwenAsrError('usage', line, { option: 'language' });
}

function codeOf(name: string): string | undefined {
  return languages.find((language) => language.name.toLowerCase() === name.toLowerCase())?.code;
}
