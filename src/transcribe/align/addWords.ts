import { takeSamples } from '../../audio/prepareSamples.js';
import { QwenAsrError } from '../../error.js';
import { describeArgument } from '../../model/describe.js';
import { recordingTime } from '../segmentRecording.js';
import type {
  Aligner,
  HeardPiece,
  RecordingSegment,
  TimedWord,
  TranscribeOptions,
  Transcript,
  TranscriptSegment,
} from '../types.js';

/**
 * Gives the words of a transcript their times. A language that the aligner does not know keeps the times of its segment:
 * then there are no words, and a note.
 *
 * @param samples [n] f32: what the transcript is of
 * @throws QwenAsrError as Aligner.align
 */
export async function addWords<T extends Pick<Transcript, 'text' | 'language'>>(
  transcript: T,
  samples: Float32Array,
  aligner: Aligner,
  signal: AbortSignal | undefined,
): Promise<T & Pick<Transcript, 'words' | 'wordNotes'>> {
  const { text, language } = transcript;
  if (samples.length === 0 || text === '') return { ...transcript, words: [] };
  const known = aligner.info.languages.some((name) => name.toLowerCase() === language.toLowerCase());
  if (language !== '' && !known) {
    const note = `words have no times: the aligner does not know ${language}`;
    return { ...transcript, wordNotes: [note] };
  }
  const options = { language, ...(signal !== undefined && { signal }) };
  const { words, notes } = await aligner.align(samples, text, options);
  return { ...transcript, words, ...(notes.length > 0 && { wordNotes: notes }) };
}

/**
 * The same for segments of recordings: the times of their words are those of the recording, even where silence was left
 * out.
 *
 * @param transcribe gives a transcript for each segment, in their order
 */
export async function* withWords(
  transcribe: (segments: AsyncIterable<RecordingSegment>) => AsyncIterable<TranscriptSegment>,
  segments: AsyncIterable<RecordingSegment>,
  aligner: Aligner,
  signal: AbortSignal | undefined,
): AsyncGenerator<TranscriptSegment, void, undefined> {
  const heard: RecordingSegment[] = [];
  async function* remembered(): AsyncGenerator<RecordingSegment, void, undefined> {
    for await (const given of segments) {
      const segment = { ...given, samples: takeSamples(given.samples) };
      heard.push(segment);
      yield segment;
    }
  }
  for await (const transcript of transcribe(remembered())) {
    const { samples, startMs, endMs, pieces = [{ atMs: 0, startMs, endMs }] } = heard.shift()!;
    const aligned = await addWords(transcript, samples, aligner, signal);
    const words = aligned.words?.map((word) => wordInRecording(word, pieces));
    yield { ...aligned, ...(words !== undefined && { words }) };
  }
}

/** A word of what is heard, in the recording. */
export function wordInRecording(word: TimedWord, pieces: readonly HeardPiece[]): TimedWord {
  const moved = ({ startMs, endMs }: { startMs: number; endMs: number }) => {
    const from = Math.round(recordingTime(pieces, startMs, 'start'));
    return { startMs: from, endMs: Math.max(from, Math.round(recordingTime(pieces, endMs, 'end'))) };
  };
  const { aligned } = word;
  return { ...word, ...moved(word), ...(aligned !== undefined && { aligned: moved(aligned) }) };
}

/**
 * The aligner of a request for times of words; null when it asks for none.
 *
 * @throws QwenAsrError `usage` without an aligner
 */
export function alignerOf({
  timestamps,
  aligner,
}: Pick<TranscribeOptions, 'timestamps' | 'aligner'>): Aligner | null {
  if (timestamps === undefined || timestamps === null || timestamps === 'segment') return null;
  if (timestamps !== 'word') {
    const line = `expected segment or word, found ${describeArgument(timestamps)}`;
    throw new QwenAsrError('usage', line, { option: 'timestamps' });
  }
  if (typeof aligner?.align === 'function') return aligner;
  const line = `expected what loadAligner gives, found ${describeArgument(aligner)}`;
  throw new QwenAsrError('usage', line, { option: 'aligner' });
}
