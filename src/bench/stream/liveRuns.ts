import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { joinSamples } from '../../audio/prepareSamples.js';
import { joinLanguages, joinTexts } from '../../text/joinTexts.js';
import type { StreamOptions } from '../../transcribe/live/streamTypes.js';
import type { SpeechModel, TranscriptSegment } from '../../transcribe/types.js';
import type { RunMeters } from '../meters/runMeters.js';
import type { ModelCellPlan, StreamPlan } from '../plan/benchPlan.js';
import type { BenchmarkAudio } from '../run/cellSession.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { OfflineText } from '../schema/streamRecord.js';
import { playRecording } from './playRecording.js';
import { recordStream } from './recordStream.js';

/** Random weights never stop: what speech has. */
export const MEASURED_TOKENS_PER_SECOND = 4;

/** Speakers fall silent, microphones do not: what follows a recording, so that its last segment ends in a pause too. */
const PAUSE_SAMPLES = SAMPLE_RATE_HZ;

/** @returns [n] f32: what is heard of a recording */
function spoken({ path, samples }: BenchmarkAudio): Float32Array {
  return path === null ? samples : joinSamples([samples, new Float32Array(PAUSE_SAMPLES)]);
}

/** A live cell: what it hears, and how. */
export interface LiveCell {
  readonly plan: Pick<ModelCellPlan, 'language'>;
  readonly stream: StreamPlan;
  readonly audio: BenchmarkAudio;
  readonly signal: AbortSignal | undefined;
}

/** One run: the recording is spoken to the model from beginning to end. */
export async function liveRun(
  model: SpeechModel,
  { plan, stream, audio, signal }: LiveCell,
  meters: RunMeters,
): Promise<RunRecord> {
  const { synthetic } = model.info;
  const options: StreamOptions = {
    chunkMs: 1000 * stream.chunkSeconds,
    // Silence stands for speech: it measures the hardware.
    vad: audio.path !== null,
    ...(synthetic && { tokensPerSecond: MEASURED_TOKENS_PER_SECOND }),
    ...(plan.language !== undefined && { language: plan.language }),
    ...(signal !== undefined && { signal }),
  };
  const samples = spoken(audio);
  const observed = await meters.observe(() =>
    playRecording(model.openStream(options), samples, stream, signal),
  );
  return recordStream(observed, stream, synthetic);
}

/** The text of the same segments when all of the recording is there; null where texts mean nothing. */
export async function offlineText(
  model: SpeechModel,
  { plan, audio, signal }: LiveCell,
): Promise<OfflineText | null> {
  if (audio.path === null || model.info.synthetic) return null;
  const segments: TranscriptSegment[] = [];
  const options = {
    vad: true,
    ...(plan.language !== undefined && { language: plan.language }),
    ...(signal !== undefined && { signal }),
  };
  for await (const segment of model.transcribeLong(spoken(audio), options)) segments.push(segment);
  const language = joinLanguages(segments.map((segment) => segment.language));
  return {
    text: joinTexts(segments.map((segment) => segment.text)),
    language: language === '' ? null : language,
  };
}
