import { QwenAsrError } from '../../src/error.js';
import type {
  Mel,
  ModelInfo,
  RecordingSegment,
  SegmentOptions,
  SpeechModel,
  TranscribeLongOptions,
  TranscribeOptions,
  Transcript,
  TranscriptSegment,
  TranscriptTimings,
} from '../../src/transcribe/types.js';

/** Shapes of the published 1.7B model, as a loaded model would describe them. */
export const INFO_1_7B: ModelInfo = {
  source: 'qwen3-asr-1.7b',
  synthetic: false,
  published: 'Qwen3-ASR-1.7B',
  parameters: 2_349_217_408,
  weightBytes: 4_698_434_816,
  encoder: { dModel: 1024, layers: 24, heads: 16, ffn: 4096, convChannels: 480 },
  decoder: {
    hidden: 2048,
    layers: 28,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    intermediate: 6144,
    vocab: 151936,
  },
  languages: [],
  backend: 'reference',
  isa: 'scalar',
  precision: 'f32',
  operand: 'f32',
  products: { convolutions: 'f32', encoderLayers: 'f32', prefill: 'f32' },
  threads: 1,
  // bf16, as stored.
  readBytes: {
    convStem: 2 * (9 * 480 + 2 * 9 * 480 * 480 + 7680 * 1024),
    encoderLayers: 2 * (24 * (4 * 1024 * 1024 + 2 * 1024 * 4096) + 1024 * 1024 + 1024 * 2048),
    decoderLayers: 2 * 28 * (2048 * 4096 + 2048 * 2048 + 3 * 2048 * 6144),
    head: 2 * 151936 * 2048,
  },
  notes: [],
  loadMs: 400,
};

/** A stage whose parts are powers of two, so that a wrong sum is seen. */
export const FAKE_TIMINGS: TranscriptTimings = {
  melMs: 1,
  convStemMs: 2,
  encoderLayersMs: 4,
  prefillMs: 8,
  decodeMs: 16,
  detokenizeMs: 32,
  otherMs: 64,
  totalMs: 127,
  firstTokenMs: 15,
  decodeStepsMs: [8, 8],
};

/** A model that records how it is called, and fails from call `failAt` on when told to. */
export class FakeModel implements SpeechModel {
  readonly info: ModelInfo;
  readonly mels: Float32Array[] = [];
  readonly encoded: Mel[] = [];
  readonly transcribed: { samples: Float32Array; options: TranscribeOptions }[] = [];
  onCall: (call: number) => void = () => {};

  constructor(info: Partial<ModelInfo> = {}) {
    this.info = { ...INFO_1_7B, ...info };
  }

  async melSpectrogram(samples: Float32Array): Promise<Mel> {
    this.mels.push(samples);
    const frames = Math.floor(samples.length / 160);
    return { data: new Float32Array(128 * frames).fill(0.5), bins: 128, frames };
  }

  async encode(mel: Mel) {
    this.encoded.push(mel);
    this.onCall(this.encoded.length);
    const timings = { convStemMs: 2, encoderLayersMs: 4 };
    return { data: new Float32Array(0), tokens: 65, hidden: 2048, timings };
  }

  transcribe(samples: Float32Array, options: TranscribeOptions = {}) {
    this.transcribed.push({ samples, options });
    return { result: this.answer(options), async *[Symbol.asyncIterator]() {} };
  }

  /** One segment, whatever the recording. */
  async *transcribeLong(
    source: Float32Array | AsyncIterable<Float32Array>,
    options: TranscribeLongOptions = {},
  ): AsyncGenerator<TranscriptSegment, void, undefined> {
    const samples = source instanceof Float32Array ? source : new Float32Array(80_000);
    yield* this.transcribeSegments([{ index: 0, startMs: 0, endMs: 5000, samples }], options);
  }

  async *transcribeSegments(
    segments: AsyncIterable<RecordingSegment> | Iterable<RecordingSegment>,
    options: SegmentOptions = {},
  ): AsyncGenerator<TranscriptSegment, void, undefined> {
    for await (const { samples, ...place } of segments) {
      this.transcribed.push({ samples, options });
      yield { ...(await this.answer(options)), ...place, heardMs: samples.length / 16, skipped: false };
    }
  }

  openBatch(): never {
    throw new Error('a benchmark of one caller opens no batch');
  }

  private async answer({ exactTokens }: TranscribeOptions): Promise<Transcript> {
    this.onCall(this.transcribed.length);
    return {
      text: 'Hello.',
      language: 'English',
      raw: 'language English<asr_text>Hello.',
      tokenIds: [11528, 6364, 151704, 9707, 13, 151645],
      logProbabilities: [-0.5, -0.25, 0, -0.125, 0, 0],
      textTokenCount: exactTokens ?? 2,
      promptTokenCount: 80,
      audioTokenCount: 65,
      durationMs: 5000,
      truncated: false,
      timings: FAKE_TIMINGS,
    };
  }

  openStream(): never {
    throw new Error('no test of this kind opens a stream');
  }

  async measureCeilings() {
    return null;
  }

  async close(): Promise<void> {}
}

/** What a model call rejects with when its signal fires. */
export function abortedError(): QwenAsrError {
  return new QwenAsrError('aborted', 'stopped by the test');
}
