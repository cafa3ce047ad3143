import { QwenAsrError } from '../error.js';
import type { ModelConfig } from '../model/config.js';
import { describeValue, quote } from '../model/describe.js';
import { parseObject } from '../model/modelText.js';
import type { CheckFinding } from '../model/publishedModels.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import { MergeTable, mergeLines, mergePair } from '../text/mergeTable.js';
import { PUBLISHED_VOCABULARY_SIZE, publishedTokens, readTokenizerData } from '../text/readTokenizer.js';
import { finishWork } from '../text/scanVocabulary.js';
import { type TokenizerData, Vocabulary } from '../text/vocabulary.js';
import { inDirectory } from './textModel.js';

/** Ordinary entries that every prompt contains; `Ċ` is the newline of byte-level BPE. */
const PROMPT_ENTRIES = ['system', 'user', 'assistant', 'language', 'Ċ'];

/** Piece, or content of an added token → id. */
type Ids = ReadonlyMap<string, number>;

/**
 * Reads the tokenizer's files as the loader does and checks the ids: every vocabulary entry has a row of the embedding,
 * no two share an id, the tokens of the prompt are there, and config.json agrees with the files about the audio tokens.
 *
 * @example
 * checkTokenizer(files, readModelConfig(files.tensors, files.configJson));
 */
export function checkTokenizer(files: ModelFiles, config: ModelConfig): CheckFinding[] {
  try {
    const data = finishWork(readTokenizerData(files.tokenizerFiles));
    const vocabulary = idsOf(data.vocab);
    const stored = data.addedTokensAssumed ? [] : data.addedTokens;
    const added = new Map(stored.map(({ content, id }) => [content, id]));
    return [
      ...checkIds(data, vocabulary, added, config.decoder.vocab),
      ...checkPromptTokens(vocabulary, added, config),
      ...checkAudioIds(added, config),
      ...checkEndIds(files, config),
      ...checkMerges(files, data, vocabulary),
    ];
  } catch (error) {
    if (!(error instanceof QwenAsrError)) throw error;
    return [{ severity: 'error', message: inDirectory(files.source, error).message }];
  }
}

function idsOf(vocab: TokenizerData['vocab']): Ids {
  if (vocab instanceof Map) return vocab;
  if (!Array.isArray(vocab)) return new Map(Object.entries(vocab));
  const pieces: readonly (string | undefined)[] = vocab;
  return new Map(pieces.flatMap((piece, id) => (piece === undefined ? [] : [[piece, id]])));
}

function checkIds(data: TokenizerData, vocabulary: Ids, added: Ids, rows: number): CheckFinding[] {
  const findings: CheckFinding[] = [];
  const entryOf = new Map<number, string>();
  for (const [entry, id] of [...vocabulary, ...added]) {
    const other = entryOf.get(id);
    if (other !== undefined && other !== entry && findings.length === 0) {
      const message = `id ${id} belongs to ${quote(other)} and to ${quote(entry)}`;
      findings.push({ severity: 'error', message });
    }
    entryOf.set(id, entry);
  }
  if (findings.length === 0) new Vocabulary(data); // throws for what is no id
  const highest = [...entryOf.keys()].reduce((most, id) => Math.max(most, id), -1);
  const counts = `${vocabulary.size} vocabulary entries and ${added.size} added tokens`;
  findings.push(
    highest < rows
      ? { severity: 'ok', message: `${counts}, ids up to ${highest} of ${rows} embedding rows` }
      : {
          severity: 'error',
          message: `${counts}: expected ids below the embedding's ${rows} rows, found ${highest}`,
        },
  );
  return findings;
}

function checkPromptTokens(vocabulary: Ids, added: Ids, config: ModelConfig): CheckFinding[] {
  const findings: CheckFinding[] = PROMPT_ENTRIES.filter((entry) => !vocabulary.has(entry)).map((entry) => ({
    severity: 'error',
    message: `the vocabulary lacks ${quote(entry)}, which the prompt needs`,
  }));
  const absent = publishedTokens.filter(({ content }) => !added.has(content) && !vocabulary.has(content));
  const names = absent.map(({ content }) => content).join(' ');
  const idsFit = absent.every(({ id }) => id < config.decoder.vocab);
  if (absent.length > 0 && vocabulary.size === PUBLISHED_VOCABULARY_SIZE && idsFit) {
    findings.push({ severity: 'note', message: `the published ids are used for ${names}` });
  } else if (absent.length > 0) {
    findings.push({ severity: 'error', message: `the tokenizer's files give no id for ${names}` });
  } else {
    findings.push({ severity: 'ok', message: "the tokenizer's files give every special token an id" });
  }
  return findings;
}

function checkAudioIds(added: Ids, { tokenIds }: ModelConfig): CheckFinding[] {
  const pairs: [token: string, id: number | undefined][] = [
    ['<|audio_pad|>', tokenIds.audioPad],
    ['<|audio_start|>', tokenIds.audioStart],
    ['<|audio_end|>', tokenIds.audioEnd],
  ];
  return pairs.flatMap(([token, id]): CheckFinding[] => {
    const other = added.get(token);
    if (id === undefined || other === undefined || id === other) return [];
    const message = `${token}: config.json says id ${id}, the tokenizer's files say ${other}`;
    return [{ severity: 'error', message }];
  });
}

/** generation_config.json is not needed to transcribe, so its ids are only looked at. */
function checkEndIds({ source, generationConfigJson }: ModelFiles, { decoder }: ModelConfig): CheckFinding[] {
  if (generationConfigJson === undefined) return [];
  const where = `${source}/generation_config.json`;
  const value = parseObject(generationConfigJson, where)['eos_token_id'] ?? [];
  const isId = (id: unknown) =>
    typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < decoder.vocab;
  const wrong = (Array.isArray(value) ? value : [value]).find((id) => !isId(id));
  if (wrong === undefined) return [];
  const message = `${where}: eos_token_id: expected ids below ${decoder.vocab}, found ${describeValue(wrong)}`;
  return [{ severity: 'warning', message }];
}

function checkMerges(
  { source, tokenizerFiles }: ModelFiles,
  { merges }: TokenizerData,
  vocabulary: Ids,
): CheckFinding[] {
  if (tokenizerFiles.mergesTxt !== undefined) {
    return checkMergeLines(tokenizerFiles.mergesTxt, vocabulary, source);
  }
  if (merges !== undefined && typeof merges !== 'string') {
    new MergeTable(merges, vocabulary); // throws for what the vocabulary does not hold
    return [];
  }
  const message =
    'no merges.txt or tokenizer.json: a context, or a language name of several tokens, cannot be encoded';
  return [{ severity: 'warning', message }];
}

/** Every rule's two pieces are in the vocabulary, and so is what they make. */
function checkMergeLines(text: string, vocabulary: Ids, source: string): CheckFinding[] {
  const { lines, locate } = mergeLines(text);
  const bad = lines.findIndex((line) => {
    const pair = mergePair(line);
    return pair === null || ![...pair, pair.join('')].every((piece) => vocabulary.has(piece));
  });
  if (bad < 0) return [{ severity: 'ok', message: `${lines.length} merges of pieces of the vocabulary` }];
  const expected = 'expected two pieces of the vocabulary that make a third';
  const message = `${source}/${locate(bad)}: ${expected}, found ${quote(lines[bad]!)}`;
  return [{ severity: 'error', message }];
}
