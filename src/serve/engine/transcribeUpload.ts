import { availableParallelism } from 'node:os';
import type { AudioStream } from '../../audio/audioStream.js';
import { openAudio } from '../../audio/openAudio.js';
import { loadSileroWeights, SileroVad, VAD_FRAME_SAMPLES } from '../../audio/vad/sileroVad.js';
import { makePause } from '../../runtime/nextTurn.js';
import {
  type RecordingTranscript,
  recordingTranscript,
} from '../../transcribe/formats/recordingTranscript.js';
import { segmentRecording } from '../../transcribe/segmentRecording.js';
import type {
  Aligner,
  ModelInfo,
  RecordingSegment,
  SegmentToken,
  TranscriptionBatch,
  TranscriptSegment,
  VadOptions,
} from '../../transcribe/types.js';
import { ApiError } from '../apiError.js';
import type { ServeSettings } from '../serveSettings.js';

/** What a request wants of a recording. */
export interface UploadOptions {
  /** Undefined: the model recognises it. */
  readonly language?: string | undefined;
  readonly context?: string | undefined;
  readonly vad?: VadOptions | undefined;
  /** Tokens after which the caller wants a segment to be cut. */
  readonly maxTokens?: number | undefined;
  /** Whether to tell how probable it is that a segment holds no speech. */
  readonly withSpeechProbability?: boolean;
  /** Whether to tell when each word is spoken, which needs an aligner. */
  readonly withWords?: boolean;
  readonly onToken?: (token: SegmentToken) => void;
  readonly onSegment?: (segment: TranscriptSegment) => void;
  readonly signal: AbortSignal;
}

/** A recording that was transcribed. */
export interface UploadTranscript {
  readonly transcript: RecordingTranscript;
  /** Mean probability of speech by segment, where it was wanted. */
  readonly speechProbabilities: readonly number[];
}

/** What transcribes uploads. */
export interface UploadEngine {
  readonly batch: TranscriptionBatch;
  readonly model: ModelInfo;
  /** Null without one: then nobody may ask for times of words. */
  readonly aligner: Aligner | null;
  readonly settings: RecordingSettings;
}

/** What is allowed to a recording. */
export type RecordingSettings = Pick<
  ServeSettings,
  'maxDurationMs' | 'totalTimeoutMs' | 'ffmpeg' | 'exactTokens'
>;

/** An upload whose length is known. */
export interface OpenedUpload {
  readonly audio: AudioStream;
  /** When it was begun, of `performance.now()`. */
  readonly startMs: number;
  /** What opening it took. */
  readonly audioMs: number;
}

/** Of one pass of ffmpeg: as long as a request may take, and a quarter of what a small machine has. */
const FFMPEG_MEMORY_BYTES = 2 ** 30 + availableParallelism() * 2 ** 27;

/**
 * Opens a file, which tells how long the recording is and whether it is one.
 *
 * @param path in the spool; messages never say it
 * @returns transcribeUpload or its caller closes the audio
 * @throws QwenAsrError what is wrong with the recording
 */
export async function openUpload(
  { settings }: Pick<UploadEngine, 'settings'>,
  path: string,
  signal: AbortSignal,
): Promise<OpenedUpload> {
  const startMs = performance.now();
  const limits = { timeMs: settings.totalTimeoutMs, memoryBytes: FFMPEG_MEMORY_BYTES };
  const audio = await openAudio(path, {
    label: 'file',
    signal,
    maxDurationMs: settings.maxDurationMs,
    ffmpeg: settings.ffmpeg && limits,
  });
  return { audio, startMs, audioMs: performance.now() - startMs };
}

/**
 * Transcribes a recording: cut into segments, each of them in the batch. Its audio is closed.
 *
 * @throws QwenAsrError what is wrong with the recording or the options; ApiError when tokens ran out, as a transcript
 * that was cut must not look like a whole one
 */
export async function transcribeUpload(
  { batch, model, aligner, settings }: UploadEngine,
  { audio, startMs, audioMs }: OpenedUpload,
  options: UploadOptions,
): Promise<UploadTranscript> {
  const { language, context, vad, maxTokens, signal, onToken } = options;
  const speechProbabilities: number[] = [];
  const segments: TranscriptSegment[] = [];
  try {
    const words = options.withWords && aligner !== null ? ({ timestamps: 'word', aligner } as const) : null;
    const cut = segmentRecording(audio, {
      ...(vad !== undefined && { vad }),
      ...(words !== null && { longestMs: words.aligner.info.maxMs }),
    });
    const heard = options.withSpeechProbability ? withSpeech(cut, speechProbabilities, signal) : cut;
    const request = {
      signal,
      ...words,
      ...(language !== undefined && { language }),
      ...(context !== undefined && { context }),
      ...(maxTokens !== undefined && { maxTokens }),
      ...(settings.exactTokens !== null && { exactTokens: settings.exactTokens }),
      ...(onToken !== undefined && { onToken }),
    };
    for await (const segment of batch.transcribeSegments(heard, request)) {
      if (segment.truncated && maxTokens === undefined) throw outOfTokens(segment);
      segments.push(segment);
      options.onSegment?.(segment);
    }
  } finally {
    await audio.close();
  }
  const { durationMs, format, notes } = audio;
  const totalMs = performance.now() - startMs;
  const facts = { input: 'file', durationMs, format, notes, audioMs, totalMs, model };
  return { transcript: recordingTranscript(facts, segments), speechProbabilities };
}

function outOfTokens({ startMs, endMs }: TranscriptSegment): ApiError {
  const where = `from ${startMs / 1000} s to ${endMs / 1000} s`;
  return new ApiError(500, `the model did not come to an end with the speech ${where}`, {
    reason: 'transcript_incomplete',
  });
}

/** Hands segments on, and how probable speech is in each. */
async function* withSpeech(
  segments: AsyncIterable<RecordingSegment>,
  probabilities: number[],
  signal: AbortSignal,
): AsyncGenerator<RecordingSegment, void, undefined> {
  const weights = await loadSileroWeights();
  for await (const segment of segments) {
    probabilities.push(await meanSpeechProbability(new SileroVad(weights), segment.samples, signal));
    yield segment;
  }
}

async function meanSpeechProbability(
  detector: SileroVad,
  samples: Float32Array,
  signal: AbortSignal,
): Promise<number> {
  const pause = makePause('transcribe: stopped', signal);
  let sum = 0;
  let frames = 0;
  for (let at = 0; at < samples.length; at += VAD_FRAME_SAMPLES) {
    const frame = new Float32Array(VAD_FRAME_SAMPLES);
    frame.set(samples.subarray(at, at + VAD_FRAME_SAMPLES));
    sum += detector.probability(frame);
    frames++;
    await pause();
  }
  return frames === 0 ? 0 : sum / frames;
}
