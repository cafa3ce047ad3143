import type { AudioStream } from '../audio/audioStream.js';
import { openAudio } from '../audio/openAudio.js';
import { type ErrorCode, QwenAsrError } from '../error.js';
import { type RecordingTranscript, recordingTranscript } from '../transcribe/formats/recordingTranscript.js';
import { segmentRecording } from '../transcribe/segmentRecording.js';
import type {
  ModelInfo,
  RecordingSegment,
  SpeechModel,
  TranscribeLongOptions,
  TranscriptSegment,
} from '../transcribe/types.js';
import type { InputRecording } from './inputRecordings.js';

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

/** Who hears of what becomes of recordings. Calls for one recording come in the order of these methods. */
export interface RecordingListener {
  /** It is being read as far as it takes to know its length, which may be to its end. */
  opening(job: RecordingJob): void;
  /** Its length is known and its transcription begins. */
  opened(job: RecordingJob): void;
  segment(job: RecordingJob, segment: TranscriptSegment): void;
  /** Exactly one of these two ends it. */
  finished(job: RecordingJob, transcript: RecordingTranscript): void;
  failed(job: RecordingJob, error: QwenAsrError): void;
}

/** One recording on its way from file to transcript. */
export class RecordingJob {
  readonly recording: InputRecording;
  /** 0, 1, 2, … in the order of the command line. */
  readonly number: number;
  readonly #model: ModelInfo;
  readonly #listener: RecordingListener;
  #startMs: number | null = null;
  #audioMs = 0;
  #stream: AudioStream | null = null;
  readonly #segments: TranscriptSegment[] = [];
  /** Segments that the model was given, and got back, since the last start. */
  #expected = 0;
  #delivered = 0;
  #audioEnded = false;
  #settled = false;

  constructor(recording: InputRecording, number: number, model: ModelInfo, listener: RecordingListener) {
    this.recording = recording;
    this.number = number;
    this.#model = model;
    this.#listener = listener;
  }

  get isStarted(): boolean {
    return this.#startMs !== null;
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  /** Length of the recording; 0 before it has been opened. */
  get durationMs(): number {
    return this.#stream?.durationMs ?? 0;
  }

  /** Milliseconds since the recording was opened. */
  get elapsedMs(): number {
    return this.#startMs === null ? 0 : performance.now() - this.#startMs;
  }

  /** Starts the job by opening its recording. */
  async open(open: () => Promise<AudioStream>): Promise<AudioStream> {
    const isFirst = this.#startMs === null;
    const startMs = performance.now();
    this.#startMs ??= startMs;
    if (isFirst) this.#listener.opening(this);
    this.#stream = await open();
    this.#audioMs += performance.now() - startMs;
    if (isFirst) this.#listener.opened(this);
    return this.#stream;
  }

  /** The blocks of the recording; the time that they take is counted. */
  async *blocks(stream: AudioStream): AsyncGenerator<Float32Array, void, undefined> {
    let startMs = performance.now();
    for await (const block of stream) {
      this.#audioMs += performance.now() - startMs;
      yield block;
      startMs = performance.now();
    }
    this.#audioMs += performance.now() - startMs;
  }

  /** A segment goes to the model. */
  expect(): void {
    this.#expected++;
  }

  /** A segment comes back. After a restart those that came before are passed over. */
  deliver(segment: TranscriptSegment): void {
    if (this.#settled) return;
    if (this.#delivered++ === this.#segments.length) {
      this.#segments.push(segment);
      this.#listener.segment(this, segment);
    }
    this.#finishIfDone();
  }

  /** No further segment goes to the model. */
  endOfAudio(): void {
    this.#audioEnded = true;
    this.#finishIfDone();
  }

  fail(error: QwenAsrError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#listener.failed(this, error);
  }

  /** Back to the beginning of the recording; what was delivered stays. */
  restart(): void {
    this.#expected = 0;
    this.#delivered = 0;
    this.#audioEnded = false;
  }

  #finishIfDone(): void {
    if (this.#settled || !this.#audioEnded || this.#delivered < this.#expected) return;
    this.#settled = true;
    const { durationMs, format, notes } = this.#stream!;
    const facts = {
      input: this.recording.input,
      durationMs,
      format,
      notes,
      audioMs: this.#audioMs,
      totalMs: this.elapsedMs,
      model: this.#model,
    };
    this.#listener.finished(this, recordingTranscript(facts, this.#segments));
  }
}
