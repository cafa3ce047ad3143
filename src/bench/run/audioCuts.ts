import { segmentRecording } from '../../transcribe/segmentRecording.js';
import type { SegmentationOptions } from '../../transcribe/types.js';
import type { ModelCellPlan } from '../plan/benchPlan.js';
import type { SegmentRecord } from '../schema/runRecord.js';
import type { RunSize } from '../workload.js';

/** Where a segment lies, and how much the model hears of it. */
export type AudioCut = Pick<SegmentRecord, 'startMs' | 'endMs' | 'heardMs'>;

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
export function durationMsOf(samples: Float32Array): number {
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
