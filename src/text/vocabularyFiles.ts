import { QwenAsrError } from '../error.js';
import { describeValue, quote } from '../model/describe.js';
import { isObject, parseJsonObject } from './jsonObject.js';
import { PUBLISHED_VOCABULARY_SIZE, publishedTokens } from './publishedTokens.js';
import { scanVocabulary } from './scanVocabulary.js';
import type { SlicedWork } from './slicedWork.js';
import type { AddedToken, TokenizerData } from './tokenizerData.js';

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
  readonly vocabJson: string;
  readonly mergesTxt?: string | undefined;
  readonly tokenizerConfigJson?: string | undefined;
}): SlicedWork<TokenizerData> {
  const { vocabJson } = files;
  const stored = files.tokenizerConfigJson === undefined ? [] : readAddedTokens(files.tokenizerConfigJson);
  const merges = files.mergesTxt;
  const pieces = yield* scanVocabulary(vocabJson);
  if (pieces !== undefined) {
    const size = pieces.reduce((count, piece) => (piece === undefined ? count : count + 1), 0);
    const known = addedTokensOf(size, (content) => pieces.indexOf(content));
    return { vocab: pieces, merges, addedTokens: stored.length > 0 ? stored : known };
  }
  const vocab = readVocabulary(parseJsonObject(vocabJson, 'vocab.json'), 'vocab.json');
  const known = addedTokensOf(vocab.size, (content) => vocab.get(content) ?? -1);
  return { vocab, merges, addedTokens: stored.length > 0 ? stored : known };
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
export function readVocabulary(object: Record<string, unknown>, where: string): Map<string, number> {
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
