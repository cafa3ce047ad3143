import { skippedSegment } from '../transcribeSegments.js';
import type { AlignedText, AlignerInfo, TranscriptSegment } from '../types.js';
import type { CUE_FORMATS } from './cueFormats.js';
import { cueList } from './transcriptFormat.js';

/** How `qwen_asr align` writes what it found. */
export const ALIGNMENT_FORMATS = ['txt', 'json', 'srt', 'vtt', 'lrc', 'tsv'] as const;

export type AlignmentFormatName = (typeof ALIGNMENT_FORMATS)[number];

/** A text that was aligned with its recording. */
export interface AlignedRecording extends AlignedText {
  readonly input: string;
  readonly durationMs: number;
  readonly text: string;
  /** Name; null when none was given. */
  readonly language: string | null;
  readonly aligner: AlignerInfo;
}

/**
 * The words of a text and their times: `txt` has a line for each (start and end in seconds, word), `json` is a document,
 * the others are subtitles.
 *
 * @example
 * writeAlignment('txt', { ...aligned, input, durationMs, text, language: null, aligner: aligner.info });
 * // 0.080\t0.320\tTurn\n…
 */
export function writeAlignment(format: AlignmentFormatName, recording: AlignedRecording): string {
  switch (format) {
    case 'txt':
      return recording.words
        .map((word) => `${[seconds(word.startMs), seconds(word.endMs), word.text].join('\t')}\n`)
        .join('');
    case 'json':
      return `${JSON.stringify({ schema: 'qwen-asr-alignment', version: 1, ...recording }, null, 2)}\n`;
    default:
      return subtitles(format, recording);
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** The text as one segment of which the words are known. */
function subtitles(format: keyof typeof CUE_FORMATS, { durationMs, text, words }: AlignedRecording): string {
  const silence = skippedSegment({ index: 0, startMs: 0, endMs: durationMs, samples: new Float32Array() });
  const segment: TranscriptSegment = { ...silence, skipped: false, heardMs: durationMs, text, words };
  const { begin, segment: write, end } = cueList(format);
  return begin() + write(segment) + end();
}
