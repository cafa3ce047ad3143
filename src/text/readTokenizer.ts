import { QwenAsrError } from '../error.js';
import { describeValue, quote } from '../model/describe.js';
import { decodeModelText, isObject, parseJsonObject } from '../model/modelText.js';
import type { TokenizerFiles } from '../model/readModelFolder.js';
import { parseMergeList } from './mergeTable.js';
import { finishWork, type SlicedWork, scanVocabulary } from './scanVocabulary.js';
import { PUBLISHED_PATTERN, Tokenizer } from './tokenizer.js';
import type { AddedToken, TokenizerData } from './vocabulary.js';

/**
 * The tokenizer of a model directory. `vocab.json` with its companions is preferred, being four times smaller to
 * read; `tokenizer.json` serves where there is no vocab.json, or where it has merges or added tokens that are
 * missing beside vocab.json.
 *
 * @throws QwenAsrError `model` when there is no vocabulary or a file is malformed (naming file and line or entry);
 * `unsupported` when tokenizer.json describes another kind of tokenizer.
 * @example
 * readTokenizer({ vocabJson: '{"a":0,"b":1,"ab":2}', mergesTxt: 'a b' }).encode('ab'); // [2]
 */
export function readTokenizer(files: TokenizerFiles): Tokenizer {
  return finishWork(readTokenizerInSlices(files));
}

/** The same in slices; a tokenizer.json is parsed in one. */
export function* readTokenizerInSlices(files: TokenizerFiles): SlicedWork<Tokenizer> {
  return Tokenizer.create(yield* readTokenizerData(files));
}

/** What the files say, before it is checked as a whole. */
export function* readTokenizerData(files: TokenizerFiles): SlicedWork<TokenizerData> {
  // Nothing is asked for that is not needed: its text may not have been decoded yet.
  const isComplete = () =>
    'mergesTxt' in files && files.tokenizerConfigJson?.includes('"added_tokens_decoder"');
  if ('tokenizerJson' in files && !('vocabJson' in files && isComplete())) {
    return tokenizerDataFromJson(files.tokenizerJson);
  }
  if (!('vocabJson' in files)) {
    throw new QwenAsrError('model', 'tokenizer: expected vocab.json or tokenizer.json, found neither');
  }
  return yield* tokenizerDataFromVocabulary(
    files as TokenizerFiles & { readonly vocabJson: string | Uint8Array },
  );
}

const TOKENIZER_JSON = 'tokenizer.json';

/**
 * Tokenizer data from the text of a `tokenizer.json` (Hugging Face tokenizers), with merges as "left right" strings
 * or as pairs.
 *
 * @throws QwenAsrError `model` naming the entry when the file is malformed; `unsupported` when it describes another
 * kind of tokenizer than byte-level BPE with the Qwen2 pre-tokeniser.
 */
export function tokenizerDataFromJson(tokenizerJson: string): TokenizerData {
  const file = parseJsonObject(tokenizerJson, TOKENIZER_JSON);
  const model = file['model'];
  if (!isObject(model)) throw expectedPart('model to be an object', model);
  if (!isObject(model['vocab'])) throw expectedPart('model.vocab to be an object', model['vocab']);
  if (model['type'] !== undefined && model['type'] !== 'BPE') {
    throw new QwenAsrError(
      'unsupported',
      `${TOKENIZER_JSON}: expected a model of type "BPE", found ${describeValue(model['type'])}`,
    );
  }
  checkPattern(file['pre_tokenizer']);
  const merges = model['merges'];
  if (!Array.isArray(merges)) throw expectedPart('model.merges to be an array', merges);
  const addedTokens = file['added_tokens'] ?? [];
  if (!Array.isArray(addedTokens)) throw expectedPart('added_tokens to be an array', addedTokens);
  return {
    vocab: readVocabulary(model['vocab'], TOKENIZER_JSON),
    merges: parseMergeList(merges),
    addedTokens: addedTokens.map(readAddedToken),
  };
}

function readAddedToken(token: unknown, index: number): AddedToken {
  const fits = isObject(token) && typeof token['content'] === 'string' && typeof token['id'] === 'number';
  if (!fits) throw expectedPart(`added token ${index + 1} to have an id and a content`, token);
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
    `${TOKENIZER_JSON}: expected the Qwen2 pre-tokenizer pattern, found ${quote(found)}`,
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

function expectedPart(what: string, found: unknown): QwenAsrError {
  return new QwenAsrError('model', `${TOKENIZER_JSON}: expected ${what}, found ${describeValue(found)}`);
}

/** Entries of the published `vocab.json`, which the added tokens follow. */
export const PUBLISHED_VOCABULARY_SIZE = 151643;

/**
 * Added tokens of the published checkpoints (`tokenizer_config.json` of Qwen/Qwen3-ASR-0.6B and -1.7B), as far as
 * prompt and output use them. For directories that hold the published vocabulary without that file.
 */
export const publishedTokens: readonly AddedToken[] = [
  { id: 151643, content: '<|endoftext|>', special: true },
  { id: 151644, content: '<|im_start|>', special: true },
  { id: 151645, content: '<|im_end|>', special: true },
  { id: 151669, content: '<|audio_start|>', special: true },
  { id: 151670, content: '<|audio_end|>', special: true },
  { id: 151676, content: '<|audio_pad|>', special: true },
  { id: 151704, content: '<asr_text>', special: false },
];

/**
 * Tokenizer data from the older set of files. Added tokens come from `tokenizer_config.json` (`added_tokens_decoder`);
 * where there are none, they are those that the vocabulary itself lists, or the published ones at the published size.
 *
 * @param files texts of vocab.json, and of merges.txt and tokenizer_config.json as far as present
 * @throws QwenAsrError `model` naming file and entry when one is malformed.
 * @example
 * finishWork(tokenizerDataFromVocabulary({ vocabJson: '{"a":0,"b":1,"ab":2}', mergesTxt: 'a b' }));
 */
export function* tokenizerDataFromVocabulary(files: {
  readonly vocabJson: string | Uint8Array;
  readonly mergesTxt?: string | undefined;
  readonly tokenizerConfigJson?: string | undefined;
}): SlicedWork<TokenizerData> {
  const { vocabJson } = files;
  const stored = files.tokenizerConfigJson === undefined ? [] : readAddedTokens(files.tokenizerConfigJson);
  const storedOr = (known: readonly AddedToken[]) =>
    stored.length > 0 ? { addedTokens: stored } : { addedTokens: known, addedTokensAssumed: true };
  const merges = 'mergesTxt' in files ? () => files.mergesTxt! : undefined;
  const pieces = yield* scanVocabulary(
    typeof vocabJson === 'string' ? new TextEncoder().encode(vocabJson) : vocabJson,
  );
  if (pieces !== undefined) {
    const known = addedTokensOf(pieces.count, (content) => pieces.indexOf(content));
    return { vocab: pieces, merges, ...storedOr(known) };
  }
  const vocab = readVocabulary(parseJsonObject(textOf(vocabJson), 'vocab.json'), 'vocab.json');
  const known = addedTokensOf(vocab.size, (content) => vocab.get(content) ?? -1);
  return { vocab, merges, ...storedOr(known) };
}

function textOf(json: string | Uint8Array): string {
  return typeof json === 'string' ? json : decodeModelText(json, 'vocab.json');
}

/**
 * The added tokens of a vocabulary on its own. It may list them among its entries, and then they must not turn up in
 * the text; the published vocabulary does not, its added tokens follow it.
 *
 * @param size entries of the vocabulary
 * @param idOf id of an entry, or −1
 */
function addedTokensOf(size: number, idOf: (content: string) => number): readonly AddedToken[] {
  if (size === PUBLISHED_VOCABULARY_SIZE) return publishedTokens;
  return publishedTokens.map((token) => ({ ...token, id: idOf(token.content) })).filter(({ id }) => id >= 0);
}

/** Checks that every value of a piece → id object is a number. */
function readVocabulary(object: Record<string, unknown>, where: string): Map<string, number> {
  const vocabulary = new Map<string, number>();
  // Twice as fast as Object.entries on an object of 151,643 keys.
  for (const piece of Object.keys(object)) {
    const id = object[piece];
    if (typeof id !== 'number') {
      throw new QwenAsrError(
        'model',
        `${where}: entry ${quote(piece)}: expected an id, found ${describeValue(id)}`,
      );
    }
    vocabulary.set(piece, id);
  }
  return vocabulary;
}

/** `added_tokens_decoder` of a tokenizer_config.json: {"151645": {"content": "<|im_end|>", "special": true, …}, …}. */
function readAddedTokens(tokenizerConfigJson: string): AddedToken[] {
  const where = 'tokenizer_config.json';
  const decoder = parseJsonObject(tokenizerConfigJson, where)['added_tokens_decoder'] ?? {};
  if (!isObject(decoder)) {
    throw new QwenAsrError(
      'model',
      `${where}: expected added_tokens_decoder to be an object, found ${describeValue(decoder)}`,
    );
  }
  return Object.entries(decoder).map(([key, token]) => {
    if (!/^\d{1,9}$/.test(key) || !isObject(token) || typeof token['content'] !== 'string') {
      throw new QwenAsrError(
        'model',
        `${where}: added_tokens_decoder ${quote(key)}: expected an id and its content, found ${describeValue(token)}`,
      );
    }
    return { id: Number(key), content: token['content'], special: token['special'] === true };
  });
}
