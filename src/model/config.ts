import { MEL_BINS } from '../ops/logMelShape.js';
import { ConfigDocument, type ConfigSection } from './configDocument.js';
import { ALIGNER_HEAD, type ModelTensors } from './modelTensors.js';
import { type DecoderSizes, type EncoderSizes, readDecoderSizes, readEncoderSizes } from './tensorSizes.js';

/** Audio encoder: sizes as the tensors have them, constants as config.json or the published models have them. */
export interface EncoderConfig extends EncoderSizes {
  /** Mel bands of the input. */
  readonly melBins: number;
  /** Mel frames convolved together (2·n_window): 100 is one second. */
  readonly chunkFrames: number;
  /** Tokens of a full chunk: 13 for 100 frames. */
  readonly tokensPerChunk: number;
  /** Tokens that attend to one another (n_window_infer mel frames): 104 is eight seconds. */
  readonly windowTokens: number;
  readonly layerNormEpsilon: number;
}

/** Text decoder: sizes as the tensors have them, constants as config.json or the published models have them. */
export interface DecoderConfig extends DecoderSizes {
  readonly rmsNormEpsilon: number;
  readonly ropeTheta: number;
  /** True when the checkpoint stores no lm_head and the embedding serves as one. */
  readonly tied: boolean;
  /** Rows of the head: the vocabulary's, or the classes of an aligner. */
  readonly headRows: number;
}

/** A forced aligner: its head tells times instead of tokens. */
interface AlignerConfig {
  /** Class c stands for c·classMs. */
  readonly classMs: number;
  /** Id of `<timestamp>` as far as config.json gives it. */
  readonly timestampId?: number;
}

/** Ids of the audio tokens as far as config.json gives them; the others come from the tokenizer's files. */
interface AudioTokenIds {
  /** `<|audio_pad|>`, which stands for one encoder token. */
  readonly audioPad?: number;
  readonly audioStart?: number;
  readonly audioEnd?: number;
}

export interface ModelConfig {
  readonly encoder: EncoderConfig;
  readonly decoder: DecoderConfig;
  readonly tokenIds: AudioTokenIds;
  /** English names, for example `German`; absent when config.json does not list them. */
  readonly supportLanguages?: readonly string[];
  /** Absent for a model that writes text. */
  readonly aligner?: AlignerConfig;
}

/*
 * Constants of the published checkpoints, used where config.json is absent or silent. They are not the defaults of
 * the Python configuration classes, which differ from every published checkpoint.
 */
const PUBLISHED = {
  nWindow: 50,
  nWindowInfer: 800,
  /** torch.nn.LayerNorm's default; the checkpoints do not store it. */
  layerNormEpsilon: 1e-5,
  rmsNormEpsilon: 1e-6,
  ropeTheta: 1e6,
  /** Milliseconds that a class of the aligner stands for: a token of the encoder. */
  timestampSegmentTime: 80,
} as const;

/** Largest n_window: half of the encoder's max_source_positions of 1500 frames. */
const MAX_N_WINDOW = 750;

/**
 * Everything about a model that is not a weight. Sizes come from the tensors' shapes; config.json, when given, decides
 * the constants and has to agree with the shapes.
 *
 * @param configJson Text of config.json, in the nested layout (`thinker_config`) or the flat one (`-hf`).
 * @param processorJson Text of processor_config.json, which says what the flat config.json of an aligner leaves out.
 * @throws QwenAsrError `model`, naming both values where config.json and the shapes contradict.
 *
 * @example
 * const files = await readModelDirectory('models/demo');
 * readModelConfig(files.tensors, files.configJson).encoder.windowTokens; // 104
 */
export function readModelConfig(
  tensors: ModelTensors,
  configJson?: string,
  processorJson?: string,
): ModelConfig {
  const document = new ConfigDocument(configJson, tensors.source);
  const encoderSizes = readEncoderSizes(tensors);
  const decoderSizes = readDecoderSizes(tensors);
  checkSizes(document, encoderSizes, decoderSizes);
  checkKind(document);
  const supportLanguages = document.root.strings('support_languages');
  const isAligner = saysAligner(document) || hasAlignerHead(tensors, decoderSizes, configJson);
  return {
    encoder: { ...encoderSizes, ...readChunking(document), layerNormEpsilon: PUBLISHED.layerNormEpsilon },
    decoder: {
      ...decoderSizes,
      rmsNormEpsilon: document.text.positive('rms_norm_eps') ?? PUBLISHED.rmsNormEpsilon,
      ropeTheta: readRopeTheta(document),
      tied: readTied(document, tensors),
      headRows: isAligner ? alignerHeadRows(document, tensors) : decoderSizes.vocab,
    },
    tokenIds: readTokenIds(document, decoderSizes.vocab),
    ...(supportLanguages === undefined ? {} : { supportLanguages }),
    ...(isAligner && { aligner: readAligner(document, processorJson, tensors.source, decoderSizes.vocab) }),
  };
}

/** What config.json of either layout says of an aligner. */
function saysAligner({ root, thinker }: ConfigDocument): boolean {
  const isClassifier = root.strings('architectures')?.some((name) => name.endsWith('TokenClassification'));
  return (
    isClassifier === true ||
    thinker.size('classify_num') !== undefined ||
    /forced_?aligner/i.test(thinker.string('model_type') ?? '')
  );
}

/** Without a word from config.json the head itself tells: its name, or its rows, which are not the vocabulary's. */
function hasAlignerHead(tensors: ModelTensors, { vocab }: DecoderSizes, configJson?: string): boolean {
  const head = tensors.byName.get('lm_head.weight');
  if (head === undefined) return false;
  return head.name.startsWith(ALIGNER_HEAD) || (configJson === undefined && head.shape[0] !== vocab);
}

function alignerHeadRows({ root, thinker }: ConfigDocument, tensors: ModelTensors): number {
  const [rows = 0] = tensors.require('lm_head.weight').shape;
  thinker.expectSize(['classify_num'], rows);
  root.expectSize(['num_labels'], rows);
  return rows;
}

/** The token and the time of a class: in config.json, or in the processor's own file (`-hf`). */
function readAligner(
  { root, thinker }: ConfigDocument,
  processorJson: string | undefined,
  source: string,
  vocab: number,
): AlignerConfig {
  const processor = new ConfigDocument(processorJson, source, 'processor_config.json').root;
  const ids = [root, thinker].map((section) => idBelow(section, 'timestamp_token_id', vocab));
  const timestampId = ids.find((id) => id !== undefined);
  const classMs =
    root.positive('timestamp_segment_time') ??
    processor.positive('timestamp_segment_time') ??
    PUBLISHED.timestampSegmentTime;
  return { classMs, ...(timestampId !== undefined && { timestampId }) };
}

/** Sizes that config.json repeats must be those of the tensors. */
function checkSizes(document: ConfigDocument, encoder: EncoderSizes, decoder: DecoderSizes): void {
  const { audio, text } = document;
  audio.expectSize(['d_model', 'hidden_size'], encoder.dModel);
  audio.expectSize(['encoder_layers', 'num_hidden_layers'], encoder.layers);
  audio.expectSize(['encoder_attention_heads', 'num_attention_heads'], encoder.heads);
  audio.expectSize(['num_key_value_heads'], encoder.heads);
  audio.expectSize(['encoder_ffn_dim', 'intermediate_size'], encoder.ffn);
  audio.expectSize(['downsample_hidden_size'], encoder.convChannels);
  audio.expectSize(['output_dim'], decoder.hidden);
  audio.expectSize(['num_mel_bins'], MEL_BINS); // they become the 16 rows that conv_out is made for
  text.expectSize(['vocab_size'], decoder.vocab);
  text.expectSize(['hidden_size'], decoder.hidden);
  text.expectSize(['intermediate_size'], decoder.intermediate);
  text.expectSize(['num_hidden_layers'], decoder.layers);
  text.expectSize(['num_attention_heads'], decoder.heads);
  text.expectSize(['num_key_value_heads'], decoder.kvHeads);
  text.expectSize(['head_dim'], decoder.headDim);
}

/** Variants that would load but compute something else than this project does. */
function checkKind(document: ConfigDocument): void {
  document.audio.expectOneOf('activation_function', ['gelu']);
  document.audio.expectOneOf('scale_embedding', [false]);
  document.text.expectOneOf('hidden_act', ['silu']);
  document.text.expectOneOf('attention_bias', [false]);
  for (const section of ['rope_scaling', 'rope_parameters']) {
    const rope = document.text.section(section);
    for (const key of ['rope_type', 'type']) rope.expectOneOf(key, ['default', 'mrope']);
  }
}

/** Windows in tokens from windows in mel frames. */
function readChunking(
  document: ConfigDocument,
): Pick<EncoderConfig, 'melBins' | 'chunkFrames' | 'tokensPerChunk' | 'windowTokens'> {
  const nWindow = document.audio.size('n_window') ?? PUBLISHED.nWindow;
  const nWindowInfer = document.audio.size('n_window_infer') ?? PUBLISHED.nWindowInfer;
  if (nWindow > MAX_N_WINDOW) {
    throw document.audio.error('n_window', `expected at most ${MAX_N_WINDOW}, found ${nWindow}`);
  }
  const chunkFrames = 2 * nWindow;
  if (nWindowInfer % chunkFrames !== 0) {
    throw document.audio.error(
      'n_window_infer',
      `expected a multiple of 2·n_window = ${chunkFrames}, found ${nWindowInfer}`,
    );
  }
  const tokensPerChunk = halve(halve(halve(chunkFrames)));
  const windowTokens = tokensPerChunk * (nWindowInfer / chunkFrames);
  return { melBins: MEL_BINS, chunkFrames, tokensPerChunk, windowTokens };
}

/** Width after one convolution of kernel 3, stride 2, padding 1. */
function halve(width: number): number {
  return Math.ceil(width / 2);
}

/** Directly in text_config (original), or in its rope_parameters (`-hf`). */
function readRopeTheta({ text }: ConfigDocument): number {
  return (
    text.positive('rope_theta') ??
    text.section('rope_parameters').positive('rope_theta') ??
    PUBLISHED.ropeTheta
  );
}

/** A stored lm_head is used whatever config.json says; without one, config.json must not deny the tie. */
function readTied(document: ConfigDocument, tensors: ModelTensors): boolean {
  if (tensors.has('lm_head.weight')) return false;
  const saidTied = [document.text, document.thinker, document.root].map((part) =>
    part.boolean('tie_word_embeddings'),
  );
  if (saidTied.includes(false) && !saidTied.includes(true)) tensors.require('lm_head.weight');
  return true;
}

function readTokenIds({ thinker }: ConfigDocument, vocab: number): AudioTokenIds {
  const audioPad = idBelow(thinker, 'audio_token_id', vocab);
  const audioStart = idBelow(thinker, 'audio_start_token_id', vocab);
  const audioEnd = idBelow(thinker, 'audio_end_token_id', vocab);
  return {
    ...(audioPad === undefined ? {} : { audioPad }),
    ...(audioStart === undefined ? {} : { audioStart }),
    ...(audioEnd === undefined ? {} : { audioEnd }),
  };
}

function idBelow(section: ConfigSection, key: string, vocab: number): number | undefined {
  const value = section.id(key);
  if (value === undefined || value < vocab) return value;
  throw section.error(key, `expected an id below the vocabulary's ${vocab}, found ${value}`);
}
