import { QwenAsrError } from '../error.js';
import type { CheckFinding } from './checkReport.js';
import type { ModelConfig } from './config.js';
import { describeValue, quote } from './describe.js';
import type { ModelFiles } from './modelFiles.js';
import { parseObject } from './modelText.js';

/** Special tokens of the prompt and the output, with the ids of the published vocabulary. */
const SPECIAL_TOKENS: Readonly<Record<string, number>> = {
  '<|endoftext|>': 151643,
  '<|im_start|>': 151644,
  '<|im_end|>': 151645,
  '<|audio_start|>': 151669,
  '<|audio_end|>': 151670,
  '<|audio_pad|>': 151676,
  '<asr_text>': 151704,
};

/** Ordinary entries that every prompt contains; `Ċ` is the newline of byte-level BPE. */
const PROMPT_ENTRIES = ['system', 'user', 'assistant', 'language', 'Ċ'];

/** Entries of the published vocabulary; with so many, the published ids stand in for files that are absent. */
const PUBLISHED_VOCABULARY = 151643;

/**
 * Checks the ids: every vocabulary entry has a row of the embedding, no two share an id, the tokens of the prompt are
 * there, and config.json agrees with the tokenizer's files about the audio tokens.
 *
 * @example
 * checkTokenizerFiles(files, readModelConfig(files.tensors, files.configJson));
 */
export function checkTokenizerFiles(files: ModelFiles, config: ModelConfig): CheckFinding[] {
  try {
    const vocabulary = readVocabulary(files);
    const added = readAddedTokens(files);
    return [
      ...checkIds(vocabulary, added, config.decoder.vocab),
      ...checkPromptTokens(vocabulary, added, config),
      ...checkAudioIds(added, config),
      ...checkEndIds(files, config),
      ...checkMerges(files, vocabulary),
    ];
  } catch (error) {
    if (!(error instanceof QwenAsrError)) throw error;
    return [{ severity: 'error', message: error.message }];
  }
}

type Ids = ReadonlyMap<string, number>;

function readVocabulary({ source, tokenizerFiles }: ModelFiles): Ids {
  const { vocabJson, tokenizerJson } = tokenizerFiles;
  if (vocabJson !== undefined) {
    const where = `${source}/vocab.json`;
    return readIds(parseObject(vocabJson, where), where);
  }
  const where = `${source}/tokenizer.json`;
  const model = objectAt(parseObject(tokenizerJson ?? '{}', where), 'model', where);
  return readIds(objectAt(model, 'vocab', where), where);
}

/** Added tokens of tokenizer_config.json (`added_tokens_decoder`) and tokenizer.json (`added_tokens`). */
function readAddedTokens({ source, tokenizerFiles }: ModelFiles): Ids {
  const { tokenizerConfigJson, tokenizerJson } = tokenizerFiles;
  const added: Record<string, unknown> = {};
  if (tokenizerJson !== undefined) {
    const list = parseObject(tokenizerJson, `${source}/tokenizer.json`)['added_tokens'];
    for (const token of Array.isArray(list) ? list : []) {
      if (typeof token?.content === 'string') added[token.content] = token.id;
    }
  }
  if (tokenizerConfigJson !== undefined) {
    const where = `${source}/tokenizer_config.json`;
    const parsed = parseObject(tokenizerConfigJson, where);
    const decoder = 'added_tokens_decoder' in parsed ? objectAt(parsed, 'added_tokens_decoder', where) : {};
    for (const [id, token] of Object.entries(decoder)) {
      const content = typeof token === 'object' && token !== null && 'content' in token ? token.content : '';
      if (typeof content === 'string' && content !== '') added[content] = Number(id);
    }
  }
  return readIds(added, `${source}: added tokens`);
}

function readIds(values: Readonly<Record<string, unknown>>, where: string): Ids {
  const ids = new Map<string, number>();
  for (const [entry, id] of Object.entries(values)) {
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) {
      throw new QwenAsrError(
        'model',
        `${where}: entry ${quote(entry)}: expected an id, found ${describeValue(id)}`,
      );
    }
    ids.set(entry, id);
  }
  return ids;
}

function objectAt(
  parent: Readonly<Record<string, unknown>>,
  key: string,
  where: string,
): Record<string, unknown> {
  const value = parent[key];
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new QwenAsrError('model', `${where}: ${key}: expected an object, found ${describeValue(value)}`);
}

function checkIds(vocabulary: Ids, added: Ids, rows: number): CheckFinding[] {
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
  const absent = Object.keys(SPECIAL_TOKENS).filter((token) => !added.has(token) && !vocabulary.has(token));
  const idsFit = absent.every((token) => (SPECIAL_TOKENS[token] ?? 0) < config.decoder.vocab);
  if (absent.length > 0 && vocabulary.size === PUBLISHED_VOCABULARY && idsFit) {
    const message = `the published ids are used for ${absent.join(' ')}`;
    findings.push({ severity: 'note', message });
  } else if (absent.length > 0) {
    const message = `the tokenizer's files give no id for ${absent.join(' ')}`;
    findings.push({ severity: 'error', message });
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

function checkMerges({ source, tokenizerFiles }: ModelFiles, vocabulary: Ids): CheckFinding[] {
  const { mergesTxt, tokenizerJson } = tokenizerFiles;
  if (mergesTxt !== undefined) return checkMergeLines(mergesTxt, vocabulary, `${source}/merges.txt`);
  if (tokenizerJson !== undefined) return [];
  return [
    {
      severity: 'warning',
      message:
        'no merges.txt or tokenizer.json: a context, or a language name of several tokens, cannot be encoded',
    },
  ];
}

/** Every line is two pieces, which the vocabulary holds, and holds together; only a first line may be a comment. */
function checkMergeLines(text: string, vocabulary: Ids, where: string): CheckFinding[] {
  const lines = text
    .replace(/^\ufeff/, '')
    .replace(/[\r\n]+$/, '')
    .split(/\r?\n/);
  const first = lines[0]?.startsWith('#version') ? 1 : 0;
  const isMerge = (line: string): boolean => {
    const pieces = line.split(' ');
    return pieces.length === 2 && [...pieces, pieces.join('')].every((piece) => vocabulary.has(piece));
  };
  const bad = lines.findIndex((line, i) => i >= first && !isMerge(line));
  if (bad < 0)
    return [{ severity: 'ok', message: `${lines.length - first} merges of pieces of the vocabulary` }];
  const found = quote(lines[bad] ?? '');
  const message = `${where} line ${bad + 1}: expected two pieces of the vocabulary that make a third, found ${found}`;
  return [{ severity: 'error', message }];
}
