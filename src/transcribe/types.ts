import type { AudioClip } from '../audio/audioClip.js';
import type { Mel } from '../audio/melSpectrogram.js';
import type { VadOptions } from '../audio/vad/speechSegmenter.js';
import type { EncodeTimings, Encoding } from '../encoder/encoder.js';
import type { Backend, Ceilings, Observer, OperandType, Precision, ProductType } from '../ops/operators.js';
import type { AlignedText, Aligner, AlignerInfo, AlignOptions, TimedWord } from './align/alignTypes.js';
import type { SpeechStream, StreamOptions } from './live/streamTypes.js';

export type {
  AlignedText,
  Aligner,
  AlignerInfo,
  AlignOptions,
  AudioClip,
  EncodeTimings,
  Encoding,
  Mel,
  TimedWord,
  VadOptions,
};

export interface LoadOptions {
  /**
   * Participants in a pass; default: physical cores available to the process (1 on the reference backend). WebAssembly
   * starts at most two a logical processor (or 4); ModelInfo.threads tells.
   */
  readonly threads?: number;
  /**
   * Default `auto`: the fastest backend this machine can run. `native`: machine code, also where `auto` leaves it off,
   * which is macOS; there WebAssembly computes when the self-test fails.
   */
  readonly backend?: 'auto' | 'native' | Backend['name'];
  /**
   * What products multiply. `int8` and `int4` round a model's matrices while it is loaded, in groups of 64 along their
   * rows, each with a scale and a bias, and activations while it runs; of `int4`, embedding, head and encoder keep 8 bits.
   * So are the two large convolutions, in 8 bits, where that is faster.
   * Default `auto`: a model that is stored in such integers as it is stored; everything else bf16 where the CPU multiplies
   * bf16, else f32.
   */
  readonly precision?: 'auto' | Precision;
  /** Forces an instruction set, for example `avx2` or `avx512f+vnni`; default `auto`. */
  readonly isa?: string;
  /** Told once which arithmetic was chosen, before any weight is read. ModelInfo.notes has what shows later. */
  readonly onBackend?: (backend: BackendChoice) => void;
  readonly signal?: AbortSignal;
}

/** How a model computes. */
export interface BackendChoice extends Pick<Backend, 'name' | 'isa' | 'threadCount'> {
  readonly precision: Precision;
  /** Why the fastest kind of backend cannot run here, or on as many threads as asked for; null when it does, or another was asked for. */
  readonly note: string | null;
}

export interface TranscribeOptions {
  /**
   * Name, code or locale (`German`, `de`, `de-AT`), case-insensitive; the model's output is then the text alone. `auto`
   * is the same as none: the model recognises it.
   */
  readonly language?: string;
  /** Context for the system prompt (names, jargon); plain text, cannot inject special tokens. */
  readonly context?: string;
  /** Token budget; default max(512, 12 per second of audio). */
  readonly maxTokens?: number;
  /** Decode exactly this many tokens whatever the model says (end tokens do not stop it). For measurements. */
  readonly exactTokens?: number;
  readonly signal?: AbortSignal;
  /**
   * Sees the intermediate tensors, by name and in this order: `mel`, `stem`, `enc_layer0`…, `encoder`, `embeddings`,
   * `dec_layer0`… (the last layer: only the prompt's last row), `first_logits`; then for every decode step
   * `step_embeddings`, `step_layer0`…, `step_best_logits`. Slows the run.
   */
  readonly observer?: Observer;
  /** For measurements: comes when a phase (of a segment) has ended; what it takes is part of `otherMs`. */
  readonly onPhaseEnd?: (phase: MeasuredPhase) => void;
  /** `word`: the transcript says when each of its words is spoken, which needs an aligner. Default: `segment`. */
  readonly timestamps?: 'segment' | 'word';
  /** What finds the times of words; loadAligner makes one. */
  readonly aligner?: Aligner;
}

export type EncodeOptions = Pick<TranscribeOptions, 'signal' | 'observer' | 'onPhaseEnd'>;

/** The phases whose ends can be heard of. */
export type MeasuredPhase = 'mel' | 'convStem' | 'encoderLayers' | 'prefill' | 'decode';

/** One decoded token. */
export interface TokenEvent {
  readonly id: number;
  readonly index: number;
  /** What this token adds to the raw output; '' for special tokens and incomplete UTF-8 sequences. */
  readonly rawPiece: string;
  /** What it adds to the transcript (after `<asr_text>`); '' before the tag. */
  readonly textPiece: string;
  /** ln p(token). */
  readonly logProbability: number;
  /** Milliseconds since the call. */
  readonly atMs: number;
}

/** Wall-clock parts of one transcribe() call; they sum to totalMs. */
export interface TranscriptTimings {
  readonly melMs: number;
  readonly convStemMs: number;
  readonly encoderLayersMs: number;
  /** Prompt, KV cache and the one pass over the prompt, which chooses the first token. */
  readonly prefillMs: number;
  /** All decode steps after prefill. */
  readonly decodeMs: number;
  readonly detokenizeMs: number;
  /** Everything else: waiting for an earlier call, and what lies between the phases. */
  readonly otherMs: number;
  readonly totalMs: number;
  /** Until the first token was known; null when none was decoded. */
  readonly firstTokenMs: number | null;
  /** One entry a decode step. */
  readonly decodeStepsMs: readonly number[];
}

export interface Transcript {
  readonly text: string;
  /** Name such as `English`; '' when the model named none. */
  readonly language: string;
  /** Everything the model wrote, tags included. */
  readonly raw: string;
  /** Generated ids, the end token included when there was one. */
  readonly tokenIds: readonly number[];
  /** ln p of each of them. */
  readonly logProbabilities: readonly number[];
  /** Tokens of the text: after the first `<asr_text>`, end tokens excluded; all generated without a tag, with a forced language, or under exactTokens. */
  readonly textTokenCount: number;
  readonly promptTokenCount: number;
  readonly audioTokenCount: number;
  readonly durationMs: number;
  /** True when the token budget ended the run before an end token did. */
  readonly truncated: boolean;
  /** Its words and their times; absent unless they were asked for and the aligner knows the language. */
  readonly words?: readonly TimedWord[];
  /** What somebody should know of them, a line each: why there are none, or that they can hardly be trusted. */
  readonly wordNotes?: readonly string[];
  readonly timings: TranscriptTimings;
}

/**
 * A running transcription: iterate for tokens as they come, or await `result`. It makes progress either way, and every
 * iterator starts at the first token. A failed run of which neither is ever looked at goes unreported: no unhandled
 * rejection ends the process. Leaving an iteration early does not stop the run; the signal does.
 */
export interface Transcription extends AsyncIterable<TokenEvent> {
  readonly result: Promise<Transcript>;
}

/** How segments are transcribed. The options of one clip hold for every segment. */
export interface SegmentOptions extends Omit<TranscribeOptions, 'observer'> {
  /**
   * Segments decoded side by side, so that weights are read once for all of them; default 4. Fewer where there is not
   * enough memory for all of their caches.
   */
  readonly batch?: number;
  /** Sees every token, as it comes; those of segments that are decoded side by side alternate. */
  readonly onToken?: (token: SegmentToken) => void;
  /** Sees every decode step after prefill: its wall time, and how many segments it gave a token to. */
  readonly onDecodeStep?: (ms: number, rows: number) => void;
}

/** How a recording is cut into segments. */
export interface SegmentationOptions {
  /**
   * Target length of the segments, 1000 to 1,200,000; Infinity: never split. Default: 30 s segments when the recording is
   * longer than 60 s, else the recording as a whole.
   */
  readonly segmentMs?: number;
  /**
   * The model does not hear silence: stretches of at least 1 s below −60 dBFS, less 0.2 s at either end. Segments of
   * nothing else are not computed at all. Default: false.
   */
  readonly skipSilence?: boolean;
  /**
   * The model hears speech alone, as a small model of voice activity finds it: segments begin and end at pauses, what lies
   * between them is left out. Then segmentMs is the length that no segment exceeds, 30 s by default; from two thirds of
   * it on a pause of 0.3 s ends a segment. Default: false; true stands for the defaults of VadOptions.
   */
  readonly vad?: boolean | VadOptions;
  /** Longest segment where segmentMs does not say: what an aligner hears at once. transcribeLong asks its aligner. */
  readonly longestMs?: number;
}

export interface TranscribeLongOptions extends SegmentOptions, SegmentationOptions {}

/** A stretch of a recording within what is heard of it. */
export interface HeardPiece {
  /** Where it begins in what is heard. */
  readonly atMs: number;
  /** Where it lies in the recording. */
  readonly startMs: number;
  readonly endMs: number;
}

/** A part of a recording that is transcribed by itself; segmentRecording makes them. */
export interface RecordingSegment {
  /** 0, 1, 2, … in its recording. */
  readonly index: number;
  readonly startMs: number;
  readonly endMs: number;
  /** What the model hears of it [n] f32: less the silence that is left out; [0] when that is all. */
  readonly samples: Float32Array;
  /** Where these samples lie in the recording, unless they are all that the segment has. */
  readonly pieces?: readonly HeardPiece[];
}

/** One decoded token of a segmented transcription. */
export interface SegmentToken extends TokenEvent {
  /** Which segment it belongs to: 0, 1, 2, … in the order in which they were given. */
  readonly segment: number;
}

/**
 * The transcript of one segment. Its timings hold its share of the decode steps that it took part in (a step of 4
 * segments counts a quarter for each); `otherMs` includes the time in which other segments were worked on.
 */
export interface TranscriptSegment extends Transcript {
  /** 0, 1, 2, … in its recording. */
  readonly index: number;
  /** Where it lies in the recording; segments follow one another without overlap, and without `vad` without gap. */
  readonly startMs: number;
  readonly endMs: number;
  /** How much of it the model heard: less the silence that was left out. */
  readonly heardMs: number;
  /** True when it was left out as silence: then there is no text, and there are no tokens. */
  readonly skipped: boolean;
}

/** How large a batch is; see SpeechModel.openBatch. */
export interface BatchOptions {
  /** Segments decoded side by side at most; default 8. Fewer where there is not enough memory for all of their caches. */
  readonly sequences?: number;
  /** The longest segment that it takes, 1000 to 1,200,000; default 60,000. */
  readonly maxSegmentMs?: number;
  /** The longest context that it takes beside the longest segment; default 512. */
  readonly maxContextTokens?: number;
  /** Sees every decode step: its wall time, and how many segments it gave a token to. */
  readonly onDecodeStep?: (ms: number, rows: number) => void;
}

/** How the segments of one request are transcribed: the options hold for each of them. */
export type BatchRequestOptions = Omit<SegmentOptions, 'batch' | 'onDecodeStep' | 'onPhaseEnd'>;

/** The memory of a batch. */
export interface BatchSize {
  /** Segments in it at most. */
  readonly sequences: number;
  /** Positions of each: its prompt (13 a second of audio) and the tokens that it may generate. */
  readonly capacity: number;
}

/** How a batch is used at the moment. */
export interface BatchLoad extends BatchSize {
  /** Segments that get a token with every step. */
  readonly decoding: number;
  /** Segments that are being encoded, or whose prompt is being read. */
  readonly joining: number;
  /** Requests whose segments are in it or wait for a place. */
  readonly requests: number;
}

/** Requests that share decode steps; see SpeechModel.openBatch. */
export interface TranscriptionBatch {
  readonly load: BatchLoad;
  /**
   * Transcribes the segments of one request: one transcript for each, in their order. Any number of requests run at the
   * same time, and fail, stop and end each by itself. It goes on while the caller is busy with a transcript, up to 16
   * segments ahead. Errors as with SpeechModel.transcribe; `usage` for a segment longer than the batch takes.
   */
  transcribeSegments(
    segments: AsyncIterable<RecordingSegment>,
    options?: BatchRequestOptions,
  ): AsyncGenerator<TranscriptSegment, void, undefined>;
  /** Frees its memory. Requests in it end with an error of code `closed`. */
  close(): Promise<void>;
}

/** What a loaded model is. */
export interface ModelInfo {
  /** The directory, or `synthetic:SIZE:SEED`. */
  readonly source: string;
  readonly synthetic: boolean;
  /** `Qwen3-ASR-0.6B`, `Qwen3-ASR-1.7B`, or null when the shapes are of neither. */
  readonly published: string | null;
  readonly parameters: number;
  readonly weightBytes: number;
  readonly encoder: {
    dModel: number;
    layers: number;
    heads: number;
    ffn: number;
    convChannels: number;
  };
  readonly decoder: {
    hidden: number;
    layers: number;
    heads: number;
    kvHeads: number;
    headDim: number;
    intermediate: number;
    vocab: number;
  };
  readonly languages: readonly string[];
  readonly backend: Backend['name'];
  readonly isa: string;
  readonly precision: Precision;
  /** Type of activations, attention and cache, and of what else is no integer. */
  readonly operand: OperandType;
  /** What a phase's products of many rows multiply. */
  readonly products: {
    convolutions: ProductType;
    encoderLayers: ProductType;
    prefill: ProductType;
  };
  readonly threads: number;
  /** Bytes of the matrices that a phase reads, as they lie in memory: integers with their scales and biases. */
  readonly readBytes: {
    convStem: number;
    encoderLayers: number;
    decoderLayers: number;
    head: number;
  };
  /** What a user should know of how the model was loaded; a line each. */
  readonly notes: readonly string[];
  readonly loadMs: number;
}

/**
 * A loaded model; made by loadModel(). Calls on one model are carried out one at a time, in their order. Samples are
 * copied at the call, those of a source when it yields them: a recorder may use its buffer again at once.
 */
export interface SpeechModel {
  readonly info: ModelInfo;
  /**
   * Log-mel of 16 kHz mono samples, on the model's backend. Clips under 0.5 s are zero-padded to 8000 samples.
   *
   * @param samples [n ≥ 1] f32 in [-1, 1]
   * @throws QwenAsrError `audio` for samples that are empty or not finite; `aborted`; `closed`
   * @example
   * const { frames } = await model.melSpectrogram(clip.samples); // 100 a second
   */
  melSpectrogram(samples: Float32Array, signal?: AbortSignal): Promise<Mel>;
  /**
   * Audio embeddings of a log-mel spectrogram: 13 tokens a second.
   *
   * @param options.observer sees `stem`, `enc_layer0`…, `encoder`
   * @throws QwenAsrError `audio` for a mel without frames or of inconsistent sizes; `numeric` naming the first stage
   * with a NaN or an infinity; `aborted`; `closed`
   * @example
   * const { tokens, hidden } = await model.encode(await model.melSpectrogram(clip.samples));
   */
  encode(mel: Mel, options?: EncodeOptions): Promise<Encoding>;
  /**
   * Speech to text. The run starts at once; its errors arrive through `result` and the iterators:
   * QwenAsrError `audio` for samples that are empty or not finite; `usage` for an option that cannot be carried out;
   * `tokenizer` for a context that the vocabulary cannot encode; `numeric` naming the first stage with a NaN or an
   * infinity; `memory`; `aborted`; `closed`.
   *
   * @param samples [n ≥ 1] f32 in [-1, 1], mono, 16 kHz
   * @example
   * const transcription = model.transcribe(clip.samples, { language: 'English' });
   * for await (const { textPiece } of transcription) process.stdout.write(textPiece);
   * const { timings } = await transcription.result;
   */
  transcribe(samples: Float32Array, options?: TranscribeOptions): Transcription;
  /**
   * Speech to text for recordings of any length: split at the quietest points, several segments decoded side by side,
   * each handed out as soon as it and all before it are done. Memory does not depend on the length of the recording.
   * Nothing is read or computed but while the next segment is awaited, and leaving the loop ends the run. Other calls on
   * the model may take their turn between two steps.
   *
   * Errors as with transcribe, thrown by the iteration; those of the source too. `joinTexts` and `joinLanguages` put the
   * segments' texts together.
   *
   * @param source [n] f32 in [-1, 1], mono, 16 kHz; whole, or in blocks of any size
   * @example
   * for await (const { startMs, text } of model.transcribeLong(await openAudio('lecture.mp3'))) {
   *   console.log(startMs / 1000, text);
   * }
   */
  transcribeLong(
    source: Float32Array | AsyncIterable<Float32Array>,
    options?: TranscribeLongOptions,
  ): AsyncGenerator<TranscriptSegment, void, undefined>;
  /**
   * The same for segments from anywhere, of one recording or of many: one transcript for each, in the order in which
   * they were given.
   *
   * @example
   * async function* clips() {
   *   for (const file of files) yield* segmentRecording(await openAudio(file));
   * }
   * for await (const { text } of model.transcribeSegments(clips())) console.log(text);
   */
  transcribeSegments(
    segments: AsyncIterable<RecordingSegment>,
    options?: SegmentOptions,
  ): AsyncGenerator<TranscriptSegment, void, undefined>;
  /**
   * Opens a batch for requests that come and go: their segments join and leave it at any decode step, each step serves all
   * that are in it, and encoding goes on between steps, a piece at a time. For servers. Its memory is taken at once.
   *
   * @throws QwenAsrError `usage`; `memory`; `closed`
   * @example
   * const batch = model.openBatch({ sequences: 4 });
   * const texts = recordings.map(async (samples) => {
   *   for await (const { text } of batch.transcribeSegments(segmentRecording(samples))) console.log(text);
   * });
   * await Promise.all(texts);
   * await batch.close();
   */
  openBatch(options?: BatchOptions): TranscriptionBatch;
  /**
   * Speech to text while it is spoken. Text comes every two seconds of speech (`chunkMs`); most of it stands at once, the
   * last words may change. Several streams may be open; each holds keys and values for 30 s (0.6B in bf16: 120 MB).
   *
   * @throws QwenAsrError `usage` for an option that cannot be carried out; `tokenizer` for a context that the vocabulary
   * cannot encode; `audio` for a sampling rate out of range; `closed`
   * @example
   * const stream = model.openStream({ coalesce: false });
   * const written = (async () => {
   *   await stream.write(clip.samples);
   *   await stream.finish();
   * })();
   * for await (const { committed } of stream) process.stdout.write(committed);
   * await written;
   */
  openStream(options?: StreamOptions): SpeechStream;
  /**
   * What the machine itself reaches on the model's threads: read bandwidth and the throughput of its dot products. Takes
   * about a second and 512 MB.
   *
   * @returns null on the reference backend, which is not built for speed
   * @throws QwenAsrError `memory`; `closed`
   */
  measureCeilings(): Promise<Ceilings | null>;
  /** Frees memory and threads. Runs in flight end with an error of code `closed`; calling it again is harmless. */
  close(): Promise<void>;
}
