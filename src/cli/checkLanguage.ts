import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigDocument } from '../model/configDocument.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import { languageNames, resolveLanguage } from '../text/languages.js';

/**
 * Refuses a language that a model does not know, before the model is loaded.
 *
 * @param source the model's directory, or `synthetic:SIZE`
 * @throws QwenAsrError `usage` listing those that it knows
 */
export function checkLanguage(language: string | undefined, source: string): void {
  const names = language === undefined ? null : namesOf(source);
  if (language !== undefined && names !== null) resolveLanguage(language, names);
}

/** Null when the model is broken, which is for loading to tell. */
function namesOf(source: string): readonly string[] | null {
  if (parseSyntheticName(source) !== null) return languageNames;
  try {
    const config = new ConfigDocument(readFileSync(join(source, 'config.json'), 'utf8'), source);
    return config.root.strings('support_languages') ?? languageNames;
  } catch {
    return null;
  }
}
