import { segmentDocument, transcriptDocument } from './transcriptDocument.js';
import type { TranscriptWriter, WriterContext } from './transcriptFormat.js';

/** A line for every segment as soon as it is done, and one for the recording. */
export function jsonLines({ input, logProbabilities }: WriterContext): TranscriptWriter {
  const line = (type: string, document: object): string => `${JSON.stringify({ type, ...document })}\n`;
  return {
    begin: () => '',
    segment: (segment) => line('segment', { input, ...segmentDocument(segment, logProbabilities) }),
    end: (transcript) => line('transcript', transcriptDocument(transcript)),
  };
}
