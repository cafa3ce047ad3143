import { oneLine, QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import type { RecordingTranscript } from '../transcribe/formats/recordingTranscript.js';
import type { TranscriptSegment } from '../transcribe/types.js';
import type { InputRecording, Inputs } from './inputRecordings.js';
import type { ResultSink } from './resultSinks.js';
import type { CommandContext } from './runCommand.js';
import { type Status, TerminalScreen } from './terminalScreen.js';
import type { RecordingJob, RecordingListener } from './transcribeRecordings.js';

/** The text of a recording up to this length, as it appears, is progress enough. */
const BRIEF_MS = 30_000;

/** Reading that is over sooner is not worth a word. */
const READING_MS = 500;

/** Hands results on, draws progress, and says on standard error what people should know about them. */
export class TranscriptionReporter implements RecordingListener {
  readonly #sink: ResultSink;
  readonly #inputs: Inputs;
  readonly #context: CommandContext;
  readonly #progress: Status;
  /** Says that a recording is being read, when that takes long. */
  #reading: NodeJS.Timeout | undefined;
  #failures = 0;
  #saidRandom = false;

  /** @param progress where it is shown how far the recordings have come */
  constructor(sink: ResultSink, inputs: Inputs, context: CommandContext, progress: Status) {
    this.#sink = sink;
    this.#inputs = inputs;
    this.#context = context;
    this.#progress = progress;
  }

  /** Recordings without a result. */
  get failures(): number {
    return this.#failures;
  }

  opening({ recording, number }: RecordingJob): void {
    const label = printableLine(this.#labelOf(recording, number));
    this.#reading = setTimeout(() => this.#progress.draw(`${label}reading the recording`), READING_MS);
    this.#reading.unref();
  }

  opened(job: RecordingJob): void {
    this.#quietly(() => clearTimeout(this.#reading));
    this.#draw(job, 0);
  }

  segment(job: RecordingJob, segment: TranscriptSegment): void {
    this.#quietly(() => this.#sink.segment(job.recording, segment));
    this.#draw(job, segment.endMs);
  }

  finished(job: RecordingJob, transcript: RecordingTranscript): void {
    this.#quietly(() => {
      try {
        this.#sink.finish(job.recording, transcript);
      } catch (error) {
        if (!(error instanceof QwenAsrError)) throw error;
        this.#say('error', error.message);
        this.#failures++;
      }
      if (transcript.model.synthetic && !this.#saidRandom) {
        this.#saidRandom = true;
        this.#say('note', 'the weights are random, so the text is meaningless');
      }
      for (const note of transcript.notes) this.#say('note', note);
      for (const segment of transcript.segments) {
        const place = this.#placeOf(transcript, segment);
        if (segment.truncated) this.#say('note', place + truncation(segment));
        for (const note of segment.wordNotes ?? []) this.#say('note', place + note);
      }
    });
  }

  failed(job: RecordingJob, error: QwenAsrError): void {
    this.failedInput(job.recording.input, error);
  }

  /** An input of which nothing could be read. */
  failedInput(input: string, { code, message }: QwenAsrError): void {
    this.#failures++;
    clearTimeout(this.#reading);
    const label = input === '-' ? 'standard input' : oneLine(input);
    const line = message.startsWith(label) ? message : `${label}: ${message}`;
    this.#quietly(() => {
      this.#sink.fail(input, new QwenAsrError(code, line));
      this.#say('error', line);
    });
  }

  close(): void {
    clearTimeout(this.#reading);
    this.#quietly(() => this.#sink.close());
  }

  /** Without a progress line on the screen. */
  #quietly(work: () => void): void {
    this.#progress.clear();
    work();
  }

  #say(what: 'note' | 'error', line: string): void {
    this.#context.err(`${what}: ${printableLine(line)}\n`);
  }

  /** Which segment of which recording, as far as there are several. */
  #placeOf({ input, segments }: RecordingTranscript, { startMs, endMs }: TranscriptSegment): string {
    const where = [
      ...(this.#inputs.several ? [input] : []),
      ...(segments.length > 1 ? [`${clockTime(startMs)} to ${clockTime(endMs)}`] : []),
    ];
    return where.length === 0 ? '' : `${where.join(', ')}: `;
  }

  /** Which of several recordings this is. */
  #labelOf({ input }: InputRecording, number: number): string {
    const { recordings, several } = this.#inputs;
    return several ? `[${number + 1}/${recordings.length}] ${input}: ` : '';
  }

  #draw(job: RecordingJob, doneMs: number): void {
    const { durationMs, elapsedMs, number } = job;
    if (this.#progress instanceof TerminalScreen && durationMs <= BRIEF_MS) return;
    const file = this.#labelOf(job.recording, number);
    const rate = doneMs / elapsedMs;
    const left = rate > 0 ? (durationMs - doneMs) / rate : null;
    const speed = left === null ? '' : `, ${rate.toFixed(1)}x real time, ${clockTime(left)} left`;
    this.#progress.draw(`${printableLine(file)}${clockTime(doneMs)} of ${clockTime(durationMs)}${speed}`);
  }
}

function truncation({ tokenIds: { length } }: TranscriptSegment): string {
  return `stopped after ${length} tokens, so the text may be incomplete; --max-tokens sets the limit`;
}

/**
 * A length of time for people.
 *
 * @example
 * clockTime(65_400); // '1:05'
 * clockTime(3_600_000); // '1:00:00'
 */
export function clockTime(ms: number): string {
  const whole = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
}
