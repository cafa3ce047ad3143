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

/** What the published aligner knows (its model card); its config.json may not say. */
export const alignerLanguageNames: readonly string[] =
  'Chinese English Cantonese French German Italian Japanese Korean Portuguese Russian Spanish'.split(' ');

/** Asks for what happens when no language is named: the model recognises it. */
const AUTOMATIC = 'auto';

/** Regions whose `zh` is Cantonese where speech is meant: Hong Kong and Macao. */
const CANTONESE_REGIONS = ['HK', 'MO'];

/** Whether a language that was asked for leaves the choice to the model. */
export function isAutomatic(nameOrCode: string): boolean {
  return nameOrCode.trim().toLowerCase() === AUTOMATIC;
}

/**
 * The name of a forced language as the prompt spells it.
 *
 * @param nameOrCode `German`, `german`, `de`, `deu`, `de-AT` or `de_AT.UTF-8`; case and surrounding space do not matter.
 * Of a locale the language counts, except that `zh-HK` and `zh-MO` are Cantonese. `auto` forces none.
 * @param supported names from the model's `support_languages`
 * @returns undefined for `auto`
 * @throws QwenAsrError `usage` listing the supported languages when this is none of them.
 * @example
 * resolveLanguage('DE', ['English', 'German']); // 'German'
 * resolveLanguage('en-US', ['English', 'German']); // 'English'
 */
export function resolveLanguage(nameOrCode: string, supported: readonly string[]): string | undefined {
  if (isAutomatic(nameOrCode)) return undefined;
  const wanted = nameOrCode.trim().toLowerCase();
  const codes = [wanted, ...codesOfLocale(wanted)];
  const name =
    supported.find((candidate) => candidate.toLowerCase() === wanted) ??
    codes
      .map((code) => supported.find((candidate) => codeOf(candidate) === code))
      .find((candidate) => candidate !== undefined);
  if (name !== undefined) return name;
  const known = supported.map((candidate) => {
    const code = codeOf(candidate);
    return code === undefined ? candidate : `${candidate} (${code})`;
  });
  const line = `expected ${AUTOMATIC} or one of ${known.join(', ')}; found ${JSON.stringify(nameOrCode)}`;
  throw new QwenAsrError('usage', line, { option: 'language' });
}

/**
 * The codes of a locale's language (BCP 47, or as POSIX writes it), the likeliest first; none when it is no locale. The
 * platform knows the other codes of a language: `deu`, `ger`, `cmn`, `tl`.
 */
function codesOfLocale(locale: string): string[] {
  const tag = locale
    .replace(/[.@].*$/, '')
    .replaceAll('_', '-')
    .replace(/^zh-yue\b/, 'yue');
  try {
    const { language, region } = new Intl.Locale(tag);
    const isCantonese = language === 'zh' && CANTONESE_REGIONS.includes(region ?? '');
    return isCantonese ? ['yue', language] : [language];
  } catch {
    return [];
  }
}

function codeOf(name: string): string | undefined {
  return languages.find((language) => language.name.toLowerCase() === name.toLowerCase())?.code;
}
