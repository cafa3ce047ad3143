import { segmentDocument, transcriptDocument } from './transcriptDocument.js';
import type { TranscriptWriter, WriterContext } from './transcriptFormat.js';

/** One document for the recording, with a list of its segments. */
export function jsonDocument({ logProbabilities }: WriterContext): TranscriptWriter {
  return {
    begin: () => '',
    segment: () => '',
    end: (transcript) => {
      const segments = transcript.segments.map((segment) => segmentDocument(segment, logProbabilities));
      return `${JSON.stringify({ ...transcriptDocument(transcript), segments }, null, 2)}\n`;
    },
  };
}
