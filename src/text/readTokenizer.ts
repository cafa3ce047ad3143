import { QwenAsrError } from '../error.js';
import type { TokenizerFiles } from '../model/modelFiles.js';
import { finishWork, type SlicedWork } from './slicedWork.js';
import { Tokenizer } from './tokenizer.js';
import { tokenizerDataFromJson } from './tokenizerJson.js';
import { tokenizerDataFromVocabulary } from './vocabularyFiles.js';

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
  const { vocabJson, mergesTxt, tokenizerConfigJson, tokenizerJson } = files;
  const complete = mergesTxt !== undefined && tokenizerConfigJson?.includes('"added_tokens_decoder"');
  if (tokenizerJson !== undefined && !(vocabJson !== undefined && complete)) {
    return Tokenizer.create(tokenizerDataFromJson(tokenizerJson));
  }
  if (vocabJson === undefined) {
    throw new QwenAsrError('model', 'tokenizer: expected vocab.json or tokenizer.json, found neither');
  }
  const data = yield* tokenizerDataFromVocabulary({ vocabJson, mergesTxt, tokenizerConfigJson });
  return Tokenizer.create(data);
}
