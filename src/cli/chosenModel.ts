import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileError, QwenAsrError } from '../error.js';
import { defaultModel, namedModel } from '../hub/cachedModels.js';
import { ConfigDocument } from '../model/configDocument.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import { languageNames, resolveLanguage } from '../text/languages.js';

/**
 * The model that a command line means, before anything slow begins: what `-d` names, a published name in the hub's cache
 * included, else the default of QWEN_ASR_MODEL and the cache.
 *
 * @returns a directory or `synthetic:SIZE[:SEED]`; null when none was named and there is none
 * @throws QwenAsrError `file` when there is no such directory, `usage` for a synthetic model there is not.
 */
export function chosenModel(given: string | undefined): string | null {
  if (given !== undefined) return checkModelSource(namedModel(given, process.env));
  try {
    const source = defaultModel(process.env);
    return source === null ? null : checkModelSource(source);
  } catch (cause) {
    if (!process.env['QWEN_ASR_MODEL'] || !(cause instanceof QwenAsrError)) throw cause;
    throw new QwenAsrError(cause.code, `QWEN_ASR_MODEL: ${cause.message}`, { cause });
  }
}

/**
 * The aligner that a command line means: what was named, else the published one of the hub's cache.
 *
 * @throws QwenAsrError `file` when there is none, with the command that fetches it
 */
export function chosenAligner(given = 'aligner'): string {
  return checkModelSource(namedModel(given, process.env));
}

/** Refuses what cannot be a model. */
function checkModelSource(source: string): string {
  if (parseSyntheticName(source) !== null) return source;
  if (source === '') throw new QwenAsrError('usage', '-d: expected a model directory, found ""');
  const entry = stat(source);
  if (entry === undefined) throw new QwenAsrError('file', `${source}: no such model directory`);
  if (!entry.isDirectory())
    throw new QwenAsrError('file', `${source}: expected a model directory, found a file`);
  return source;
}

function stat(path: string) {
  try {
    return statSync(path);
  } catch (cause) {
    const isAbsent =
      cause instanceof Error && 'code' in cause && /^(ENOENT|ENOTDIR)$/.test(String(cause.code));
    if (isAbsent) return undefined;
    throw fileError(path, cause);
  }
}

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
