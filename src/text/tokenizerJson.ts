import { QwenAsrError } from '../error.js';
import { describeValue, quote } from '../model/describe.js';
import { isObject, parseJsonObject } from './jsonObject.js';
import { parseMergeList } from './mergeRules.js';
import { PUBLISHED_PATTERN } from './preTokenize.js';
import type { AddedToken, TokenizerData } from './tokenizerData.js';
import { readVocabulary } from './vocabularyFiles.js';

const FILE = 'tokenizer.json';

/**
 * Tokenizer data from the text of a `tokenizer.json` (Hugging Face tokenizers), with merges as "left right" strings
 * or as pairs.
 *
 * @throws QwenAsrError `model` naming the entry when the file is malformed; `unsupported` when it describes another
 * kind of tokenizer than byte-level BPE with the Qwen2 pre-tokeniser.
 */
export function tokenizerDataFromJson(tokenizerJson: string): TokenizerData {
  const file = parseJsonObject(tokenizerJson, FILE);
  const model = file['model'];
  if (!isObject(model)) throw expected('model to be an object', model);
  if (!isObject(model['vocab'])) throw expected('model.vocab to be an object', model['vocab']);
  if (model['type'] !== undefined && model['type'] !== 'BPE') {
    throw new QwenAsrError(
      'unsupported',
      `${FILE}: expected a model of type "BPE", found ${describeValue(model['type'])}`,
    );
  }
  checkPattern(file['pre_tokenizer']);
  const merges = model['merges'];
  if (!Array.isArray(merges)) throw expected('model.merges to be an array', merges);
  const addedTokens = file['added_tokens'] ?? [];
  if (!Array.isArray(addedTokens)) throw expected('added_tokens to be an array', addedTokens);
  return {
    vocab: readVocabulary(model['vocab'], FILE),
    merges: parseMergeList(merges),
    addedTokens: addedTokens.map(readAddedToken),
  };
}

function readAddedToken(token: unknown, index: number): AddedToken {
  const fits = isObject(token) && typeof token['content'] === 'string' && typeof token['id'] === 'number';
  if (!fits) throw expected(`added token ${index + 1} to have an id and a content`, token);
  return {
    id: Number(token['id']),
    content: String(token['content']),
    special: token['special'] === true,
  };
}

/** A pattern of another tokenizer would silently give other ids. A file without one is taken as Qwen2's. */
function checkPattern(preTokenizer: unknown): void {
  const found = findPattern(preTokenizer);
  if (found === undefined || found === PUBLISHED_PATTERN) return;
  throw new QwenAsrError(
    'unsupported',
    `${FILE}: expected the Qwen2 pre-tokenizer pattern, found ${quote(found)}`,
  );
}

/** The regular expression of a Split pre-tokenizer, alone or within a Sequence. */
function findPattern(preTokenizer: unknown): string | undefined {
  if (!isObject(preTokenizer)) return undefined;
  const steps: unknown = preTokenizer['pretokenizers'];
  if (Array.isArray(steps)) return steps.map(findPattern).find((pattern) => pattern !== undefined);
  const pattern = preTokenizer['pattern'];
  return isObject(pattern) && typeof pattern['Regex'] === 'string' ? pattern['Regex'] : undefined;
}

function expected(what: string, found: unknown): QwenAsrError {
  return new QwenAsrError('model', `${FILE}: expected ${what}, found ${describeValue(found)}`);
}
