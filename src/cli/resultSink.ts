import type { QwenAsrError } from '../error.js';
import type { RecordingTranscript } from '../transcribe/formats/recordingTranscript.js';
import type { TranscriptSegment } from '../transcribe/types.js';
import type { InputRecording } from './inputRecordings.js';

/** Where the results of recordings go. Results of one recording come in the order of these methods. */
export interface ResultSink {
  segment(recording: InputRecording, segment: TranscriptSegment): void;
  /** @throws QwenAsrError `file` when the result cannot be written */
  finish(recording: InputRecording, transcript: RecordingTranscript): void;
  fail(input: string, error: QwenAsrError): void;
  /** After the last result, or when the run has been stopped. */
  close(): void;
}
