import { joinLanguages, joinTexts } from '../../text/joinTexts.js';
import { segmentRecording } from '../../transcribe/segmentRecording.js';
import type {
  ModelInfo,
  RecordingSegment,
  SegmentationOptions,
  SegmentOptions,
  SpeechModel,
  TranscriptSegment,
} from '../../transcribe/types.js';
import type { Observed } from '../meters/runMeters.js';
import { PHASES } from '../phases.js';
import type { ModelCellPlan } from '../plan/benchPlan.js';
import { hashTokens } from '../schema/machineRecord.js';
import type { RunRecord, SegmentRecord } from '../schema/runRecord.js';
import { batchDecodeWork, type RunSize } from '../workload.js';
import { BLANK_RUN, ledgerOf, type TimedPhases } from './recordRun.js';

/** What came of transcribing a recording in segments. */
interface SegmentedTranscript {
  readonly segments: readonly TranscriptSegment[];
  /** What the model heard of each. */
  readonly heardMs: readonly number[];
  /** Time that cutting the recording took. */
  readonly segmentMs: number;
  /** Every pass of the decoder after the prefills, in order. */
  readonly decodeSteps: readonly { readonly ms: number; readonly rows: number }[];
  /** Since the call; null when no segment was heard. */
  readonly firstTokenMs: number | null;
}

/** Transcribes samples as transcribeLong() does, and notes what is told only on the way. */
export async function transcribeInSegments(
  model: SpeechModel,
  samples: Float32Array,
  segmentation: SegmentationOptions,
  options: SegmentOptions,
): Promise<SegmentedTranscript> {
  const startMs = performance.now();
  const cutting = new TimedCutting(segmentRecording(samples, segmentation));
  const segments: TranscriptSegment[] = [];
  const decodeSteps: { ms: number; rows: number }[] = [];
  let firstTokenMs: number | null = null;
  const run = model.transcribeSegments(cutting.segments(), {
    ...options,
    onToken: () => {
      firstTokenMs ??= performance.now() - startMs;
    },
    onDecodeStep: (ms, rows) => decodeSteps.push({ ms, rows }),
  });
  for await (const segment of run) segments.push(segment);
  const { heardMs, segmentMs } = cutting;
  return { segments, heardMs, segmentMs, decodeSteps, firstTokenMs };
}

/** Passes segments on, and notes how long each was waited for and how much of it there is to hear. */
class TimedCutting {
  readonly #source: AsyncGenerator<RecordingSegment, void, undefined>;
  readonly heardMs: number[] = [];
  segmentMs = 0;

  constructor(source: AsyncGenerator<RecordingSegment, void, undefined>) {
    this.#source = source;
  }

  async *segments(): AsyncGenerator<RecordingSegment, void, undefined> {
    for (;;) {
      const startMs = performance.now();
      const { done, value } = await this.#source.next();
      this.segmentMs += performance.now() - startMs;
      if (done === true) return;
      this.heardMs.push(durationMsOf(value.samples));
      yield value;
    }
  }
}

/**
 * A segmented run as the result keeps it: what the segments took summed up, and the steps that they shared once each.
 */
export function recordSegments(observed: Observed<SegmentedTranscript>, model: ModelInfo): RunRecord {
  const { result, startedAt, totalMs, interference, memory } = observed;
  const { segments, heardMs, segmentMs, decodeSteps, firstTokenMs } = result;
  const sum = (of: (segment: TranscriptSegment) => number) =>
    segments.reduce((total, segment) => total + of(segment), 0);
  const timed: TimedPhases = {
    ...sumTimings(segments.map(({ timings }) => timings)),
    segmentMs,
    // Segments share their steps, each of which is to count once.
    decodeMs: decodeSteps.reduce((total, { ms }) => total + ms, 0),
  };
  const tokenIds = segments.flatMap((segment) => segment.tokenIds);
  const language = joinLanguages(segments.map((segment) => segment.language));
  const records = segments.map(
    (segment, index): SegmentRecord => segmentRecord(segment, heardMs[index] ?? 0),
  );
  return {
    ...BLANK_RUN,
    ...{ startedAt, totalMs, interference, memory },
    ...ledgerOf(totalMs, timed),
    decodeStepsMs: decodeSteps.map(({ ms }) => ms),
    decodeStepRows: decodeSteps.map(({ rows }) => rows),
    firstTokenMs,
    tokens: tokenIds.length,
    textTokens: sum(({ textTokenCount }) => textTokenCount),
    promptTokens: sum(({ promptTokenCount }) => promptTokenCount),
    audioTokens: sum(({ audioTokenCount }) => audioTokenCount),
    tokenHash: hashTokens(tokenIds),
    tokenIds,
    text: joinTexts(segments.map(({ text }) => text)),
    language: language === '' ? null : language,
    truncated: segments.some(({ truncated }) => truncated),
    bytesReadPerToken: bytesPerToken(records, decodeSteps, model),
    segments: records,
  };
}

function sumTimings(timings: readonly TimedPhases[]): TimedPhases {
  const timed = PHASES.map(({ id }) => `${id}Ms` as const).filter((name) => timings[0]?.[name] !== undefined);
  const sum = (name: keyof TimedPhases): number =>
    timings.reduce((total, one) => total + (one[name] ?? 0), 0);
  return Object.fromEntries(timed.map((name) => [name, sum(name)]));
}

function segmentRecord(segment: TranscriptSegment, heardMs: number): SegmentRecord {
  const { startMs, endMs, tokenIds, promptTokenCount, audioTokenCount } = segment;
  return {
    ...{ startMs, endMs, heardMs },
    tokens: tokenIds.length,
    promptTokens: promptTokenCount,
    audioTokens: audioTokenCount,
    text: segment.text,
    language: segment.language === '' ? null : segment.language,
  };
}

/** What all steps read, divided by the tokens they gave; null without a step. */
function bytesPerToken(
  segments: readonly SegmentRecord[],
  steps: SegmentedTranscript['decodeSteps'],
  model: ModelInfo,
): number | null {
  const tokens = steps.reduce((total, { rows }) => total + rows, 0);
  if (tokens === 0) return null;
  const decoded = segmentSizes(segments).map(({ promptTokens, tokens }) => ({
    promptTokens: promptTokens ?? 0,
    tokens: tokens ?? 0,
  }));
  return batchDecodeWork(model, decoded, steps.length).bytes / tokens;
}

/** Where a segment lies, and how much the model hears of it. */
type AudioCut = Pick<SegmentRecord, 'startMs' | 'endMs' | 'heardMs'>;

/** Samples of a mel frame's step, at 16 kHz. */
const HOP_SAMPLES = 160;

/** Samples of a millisecond, at 16 kHz. */
const SAMPLES_PER_MS = 16;

/** Frames of the shortest clip: what is below 0.5 s is padded. */
const LEAST_FRAMES = 50;

/** How the engine is told to cut, or null for a clip that is transcribed as a whole. */
export function segmentationOf({
  segmentSeconds,
  skipSilence,
  vad,
}: ModelCellPlan): SegmentationOptions | null {
  if (segmentSeconds !== null) return { segmentMs: 1000 * segmentSeconds, skipSilence, vad };
  if (vad) return { skipSilence, vad };
  return skipSilence ? { segmentMs: Number.POSITIVE_INFINITY, skipSilence } : null;
}

/**
 * What the samples will be cut into: the same in every run, because the samples are.
 *
 * @param samples [n] f32, mono, 16 kHz
 * @throws QwenAsrError `audio` for no samples
 */
export async function cutAudio(samples: Float32Array, options: SegmentationOptions): Promise<AudioCut[]> {
  const cuts: AudioCut[] = [];
  for await (const { startMs, endMs, samples: heard } of segmentRecording(samples, options)) {
    cuts.push({ startMs, endMs, heardMs: durationMsOf(heard) });
  }
  return cuts;
}

/** @param samples [n] f32, mono, 16 kHz */
function durationMsOf(samples: Float32Array): number {
  return samples.length / SAMPLES_PER_MS;
}

/** Mel frames of a clip of so many samples. */
export function framesOf(sampleCount: number): number {
  return Math.floor(sampleCount / HOP_SAMPLES);
}

/** Mel frames that go into the encoder; none of a segment that is skipped. */
export function heardFrames({ heardMs }: Pick<AudioCut, 'heardMs'>): number {
  return heardMs === 0 ? 0 : Math.max(LEAST_FRAMES, framesOf(SAMPLES_PER_MS * heardMs));
}

/** What each segment that was not skipped asks of the model. */
export function segmentSizes(segments: readonly SegmentRecord[]): RunSize[] {
  return segments
    .filter(({ heardMs }) => heardMs > 0)
    .map((segment) => {
      const { audioTokens, promptTokens, tokens } = segment;
      return { frames: heardFrames(segment), audioTokens, promptTokens, tokens };
    });
}
