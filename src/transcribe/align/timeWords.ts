import type { MelStage } from '../../audio/melSpectrogram.js';
import { buildAlignPrompt, type ClassifyInput } from '../../decoder/classifyPrompts.js';
import type { Decoder } from '../../decoder/decoder.js';
import type { Encoder } from '../../encoder/encoder.js';
import type { AlignIds } from '../../text/promptIds.js';
import { checkFinite } from '../numericDiagnosis.js';
import type { TextModel } from '../textModel.js';

/** The stages of a forced aligner. */
export interface AlignerStages {
  readonly mel: MelStage;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly text: TextModel<AlignIds>;
  /** Milliseconds that a class stands for. */
  readonly classMs: number;
}

/** A clip and the words that are spoken in it. */
export interface ClipWords {
  /** [n ≥ 1] f32, mono, 16 kHz */
  readonly samples: Float32Array;
  /** At least one. */
  readonly words: readonly string[];
}

/** What the model says: for each word its start and its end, in this order. */
export interface ModelTimes {
  /** [2 · words] ms from the start of the clip; they may go back. */
  readonly times: readonly number[];
  /** [2 · words] ln of the probability that the model gives to them. */
  readonly logProbabilities: readonly number[];
}

/** Positions that share a pass: more make its products no faster, and take memory. */
const PASS_POSITIONS = 1024;

/**
 * The pipeline of an aligner: samples → log-mel → encoder → prompt → decoder → a class at each `<timestamp>`. Short clips
 * share a pass of the decoder.
 *
 * @throws QwenAsrError `audio`, `tokenizer` for words that the vocabulary cannot spell, `numeric`, `memory`, `aborted`,
 * `closed`
 */
export async function timeWords(
  stages: AlignerStages,
  clips: readonly ClipWords[],
  signal: AbortSignal | undefined,
): Promise<ModelTimes[]> {
  const found: ModelTimes[] = [];
  let waiting: ClassifyInput[] = [];
  let positions = 0;
  const classify = async (): Promise<void> => {
    if (waiting.length > 0) found.push(...(await classifyClips(stages, waiting, signal)));
    waiting = [];
    positions = 0;
  };
  for (const clip of clips) {
    const input = await encodeWords(stages, clip, signal);
    if (positions + input.prompt.ids.length > PASS_POSITIONS) await classify();
    positions += input.prompt.ids.length;
    waiting.push(input);
  }
  await classify();
  return found;
}

async function encodeWords(
  { mel, encoder, text }: AlignerStages,
  { samples, words }: ClipWords,
  signal: AbortSignal | undefined,
): Promise<ClassifyInput> {
  const wordIds = words.map((word) => text.encode(word));
  const spectrogram = await mel.run(samples, { signal });
  checkFinite('mel', spectrogram.data, [spectrogram.bins, spectrogram.frames]);
  const encoding = await encoder.encode(spectrogram, { signal });
  checkFinite('encoder', encoding.data, [encoding.tokens, encoding.hidden]);
  return { prompt: buildAlignPrompt(text.promptIds, encoding.tokens, wordIds), audio: encoding.data };
}

async function classifyClips(
  { decoder, text, classMs }: AlignerStages,
  inputs: readonly ClassifyInput[],
  signal: AbortSignal | undefined,
): Promise<ModelTimes[]> {
  const choices = await decoder.classify(inputs, { signal });
  return inputs.map(({ prompt: { ids, audioStart, audioTokens } }, i) => {
    const textIds = ids.subarray(audioStart + audioTokens);
    const stamps = choices[i]!.filter((_, row) => textIds[row] === text.promptIds.timestamp);
    checkFinite(
      'timestamp logits',
      Float32Array.from(stamps, ({ logit }) => logit),
      [stamps.length],
    );
    return {
      times: stamps.map(({ id }) => id * classMs),
      logProbabilities: stamps.map(({ logProbability }) => logProbability),
    };
  });
}
