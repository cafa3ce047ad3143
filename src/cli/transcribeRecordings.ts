import { openAudio } from '../audio/openAudio.js';
import { type ErrorCode, QwenAsrError } from '../error.js';
import { segmentRecording } from '../transcribe/segmentRecording.js';
import type { RecordingSegment, SpeechModel, TranscribeLongOptions } from '../transcribe/types.js';
import type { InputRecording } from './inputRecordings.js';
import { RecordingJob, type RecordingListener } from './recordingJob.js';

/** Errors that one recording may have and another not; the rest are those of the model or of the options. */
const OF_RECORDINGS: ReadonlySet<ErrorCode> = new Set(['audio', 'file', 'memory', 'numeric', 'internal']);

/**
 * Transcribes recordings, one after the other as far as their results go, several segments at a time as far as computing
 * goes: the segments of short recordings are decoded side by side. One bad recording does not stop the rest.
 *
 * @throws QwenAsrError for options that no recording could be transcribed with; `aborted`
 */
export async function transcribeRecordings(
  model: SpeechModel,
  recordings: readonly InputRecording[],
  options: TranscribeLongOptions,
  listener: RecordingListener,
): Promise<void> {
  let rest = recordings.map((recording, number) => new RecordingJob(recording, number, model.info, listener));
  while (rest.length > 0) {
    try {
      await transcribeTogether(model, rest, options);
    } catch (error) {
      if (!(await isolate(model, rest, options, error))) throw error;
    }
    rest = rest.filter((job) => !job.isSettled);
  }
}

/** Feeds all jobs to the model at once; throws with the first one that cannot be computed. */
async function transcribeTogether(
  model: SpeechModel,
  jobs: readonly RecordingJob[],
  options: TranscribeLongOptions,
): Promise<void> {
  /** Whose segments are being transcribed, in their order. */
  const owners: RecordingJob[] = [];
  const segments = segmentsOf(jobs, options, owners);
  for await (const segment of model.transcribeSegments(segments, options)) owners.shift()!.deliver(segment);
}

/**
 * After a failure of recordings that were computed together: the only one to blame has failed; several are tried again,
 * each by itself. False when it is nobody's fault, or everybody's.
 */
async function isolate(
  model: SpeechModel,
  jobs: readonly RecordingJob[],
  options: TranscribeLongOptions,
  error: unknown,
): Promise<boolean> {
  if (options.signal?.aborted || !(error instanceof QwenAsrError)) return false;
  if (!OF_RECORDINGS.has(error.code)) return false;
  const suspects = jobs.filter((job) => job.isStarted && !job.isSettled);
  if (suspects.length === 0) return false;
  if (suspects.length === 1) {
    suspects[0]!.fail(error);
    return true;
  }
  for (const job of suspects) {
    job.restart();
    try {
      await transcribeTogether(model, [job], options);
    } catch (own) {
      if (options.signal?.aborted || !(own instanceof QwenAsrError)) throw own;
      job.fail(own);
    }
  }
  return true;
}

async function* segmentsOf(
  jobs: readonly RecordingJob[],
  options: TranscribeLongOptions,
  owners: RecordingJob[],
): AsyncGenerator<RecordingSegment, void, undefined> {
  const { signal } = options;
  for (const job of jobs) {
    try {
      const { input, bytes } = job.recording;
      const stream = await job.open(() =>
        openAudio(bytes === undefined ? input : { path: bytes }, signal ? { signal } : {}),
      );
      try {
        for await (const segment of segmentRecording(job.blocks(stream), options)) {
          owners.push(job);
          job.expect();
          yield segment;
        }
      } finally {
        await stream.close();
      }
      job.endOfAudio();
    } catch (error) {
      if (signal?.aborted || !(error instanceof QwenAsrError)) throw error;
      job.fail(error);
    }
  }
}
