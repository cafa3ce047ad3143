import { QwenAsrError } from '../error.js';
import { type ModelConfig, readModelConfig } from '../model/config.js';
import { describeValue, quote } from '../model/describe.js';
import { type OpenFile, readModelDirectory } from '../model/modelDirectory.js';
import type { ModelTensors } from '../model/modelTensors.js';
import { parseObject } from '../model/modelText.js';
import { type CheckFinding, checkTensorList, identifyModel } from '../model/publishedModels.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import { loadDecoderWeights, loadEncoderWeights } from '../model/weights.js';
import { countNonFinite } from '../ops/nonFinite.js';
import type { Parameter } from '../ops/parameter.js';
import { makePause } from '../runtime/nextTurn.js';
import { MergeTable, mergeLines, mergePair } from '../text/mergeTable.js';
import { PUBLISHED_TIMESTAMP_ID } from '../text/promptIds.js';
import { PUBLISHED_VOCABULARY_SIZE, publishedTokens, readTokenizerData } from '../text/readTokenizer.js';
import { finishWork } from '../text/scanVocabulary.js';
import { isPieceTable, type TokenizerData, Vocabulary } from '../text/vocabulary.js';
import { inDirectory } from './textModel.js';

/** What checkModelDirectory found. */
export interface CheckReport {
  /** The directory. */
  readonly source: string;
  /** For example `Qwen3-ASR-0.6B`; null when the tensors are not those of a published model. */
  readonly published: string | null;
  readonly findings: readonly CheckFinding[];
  /** True when no finding is an error. */
  readonly passed: boolean;
}

/** Damaged tensors named before the rest is only counted. */
const MOST_NAMED = 10;

/**
 * Verifies a model directory: files, names, shapes, dtypes, ids, and that every weight is a finite number. Says which
 * published model it is.
 *
 * @returns Also for a directory that is no usable model; then with findings of severity `error`.
 * @throws QwenAsrError `file` (missing or unreadable), `memory`, `aborted`.
 *
 * @example
 * const report = await checkModelDirectory('models/demo');
 * for (const { severity, message } of report.findings) console.log(`${severity}: ${message}`);
 */
export async function checkModelDirectory(
  directory: string,
  openFile?: OpenFile,
  signal?: AbortSignal,
): Promise<CheckReport> {
  let files: ModelFiles;
  try {
    files = await readModelDirectory(directory, openFile, signal);
  } catch (error) {
    return makeReport(directory, null, [modelFinding(error)]);
  }
  try {
    return await checkModelFiles(files, signal);
  } finally {
    files.release();
  }
}

/** The same for a model that was read already. */
export async function checkModelFiles(files: ModelFiles, signal?: AbortSignal): Promise<CheckReport> {
  const { tensors } = files;
  const findings: CheckFinding[] = [{ severity: 'ok', message: `files: ${files.fileNames.join(', ')}` }];
  const config = checkStructure(files, findings);
  const published = identifyModel(tensors);
  findings.push(...checkTensorList(tensors, published));
  if (config !== null) findings.push(...checkTokenizer(files, config));
  findings.push(...(await checkWeights(tensors, signal)));
  return makeReport(files.source, published?.name ?? null, findings);
}

/** Config and shapes, by the loader itself with a backend that takes nothing. */
function checkStructure(files: ModelFiles, findings: CheckFinding[]): ModelConfig | null {
  try {
    const config = readModelConfig(files.tensors, files.configJson, files.processorConfigJson);
    const backend = { weight: (parameter: Parameter) => ({ ...parameter, byteLength: 0 }) };
    loadEncoderWeights(files.tensors, config.encoder, config.decoder.hidden, backend);
    loadDecoderWeights(files.tensors, config.decoder, backend);
    const { encoder, decoder } = config;
    findings.push({
      severity: 'ok',
      message:
        `every tensor a model of ${encoder.layers} encoder layers (d_model ${encoder.dModel}) and ` +
        `${decoder.layers} decoder layers (hidden ${decoder.hidden}) needs is there, in its shape`,
    });
    if (config.aligner !== undefined) {
      const { classMs } = config.aligner;
      findings.push({
        severity: 'ok',
        message: `a forced aligner: ${decoder.headRows} classes of ${classMs} ms, up to ${(decoder.headRows * classMs) / 1000} s`,
      });
    }
    if (files.configJson === undefined) {
      findings.push({
        severity: 'note',
        message: 'no config.json: the published constants are used',
      });
    }
    return config;
  } catch (error) {
    findings.push(modelFinding(error));
    return null;
  }
}

async function checkWeights(tensors: ModelTensors, signal: AbortSignal | undefined): Promise<CheckFinding[]> {
  const pause = makePause(`${tensors.source}: checking was aborted`, signal);
  const damaged: string[] = [];
  for (const parameter of tensors.byName.values()) {
    if (parameter.dtype === 'affine') continue; // its scales and biases were looked at when they were read
    await pause();
    const { count, firstIndex } = countNonFinite(parameter);
    if (count > 0) {
      damaged.push(
        `tensor ${parameter.name}: ${count} values are not finite, the first at element ${firstIndex}`,
      );
    }
  }
  const findings = damaged
    .slice(0, MOST_NAMED)
    .map((message): CheckFinding => ({ severity: 'error', message }));
  if (damaged.length > MOST_NAMED) {
    const message = `${damaged.length - MOST_NAMED} more tensors hold values that are not finite`;
    findings.push({ severity: 'error', message });
  }
  if (damaged.length === 0) {
    findings.push({ severity: 'ok', message: `all ${tensors.parameterCount} weights are finite` });
  }
  return findings;
}

/** What is wrong with the model becomes a finding; what kept us from looking is thrown on. */
function modelFinding(error: unknown): CheckFinding {
  if (error instanceof QwenAsrError && error.code === 'model') {
    return { severity: 'error', message: error.message };
  }
  throw error;
}

function makeReport(
  source: string,
  published: string | null,
  findings: readonly CheckFinding[],
): CheckReport {
  return {
    source,
    published,
    findings,
    passed: findings.every((finding) => finding.severity !== 'error'),
  };
}

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
function checkTokenizer(files: ModelFiles, config: ModelConfig): CheckFinding[] {
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
  if (!isPieceTable(vocab)) return new Map(Object.entries(vocab));
  const ids = new Map<string, number>();
  for (let id = 0; id < vocab.length; id++) {
    const piece = vocab.at(id);
    if (piece !== undefined) ids.set(piece, id);
  }
  return ids;
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
  if (config.aligner !== undefined) return checkAlignTokens(vocabulary, added, config);
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

/** The input of an aligner has no chat template. */
function checkAlignTokens(
  vocabulary: Ids,
  added: Ids,
  { tokenIds, aligner, decoder }: ModelConfig,
): CheckFinding[] {
  const given: Readonly<Record<string, number | undefined>> = {
    '<|audio_start|>': tokenIds.audioStart,
    '<|audio_pad|>': tokenIds.audioPad,
    '<|audio_end|>': tokenIds.audioEnd,
    '<timestamp>': aligner?.timestampId,
  };
  const isAbsent = (token: string): boolean =>
    given[token] === undefined && !added.has(token) && !vocabulary.has(token);
  const absent = Object.keys(given).filter(isAbsent);
  if (absent.length === 0) return [{ severity: 'ok', message: 'every token of its input has an id' }];
  const isPublished = vocabulary.size === PUBLISHED_VOCABULARY_SIZE && decoder.vocab > PUBLISHED_TIMESTAMP_ID;
  return isPublished
    ? [{ severity: 'note', message: `the published ids are used for ${absent.join(' ')}` }]
    : [{ severity: 'error', message: `no file gives an id for ${absent.join(' ')}` }];
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
  if (typeof merges === 'object') {
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
