import { textSeparator } from '../../text/joinTexts.js';
import { splitWidth, textWidth } from '../../text/textWidth.js';
import type { TimedWord, TranscriptSegment } from '../types.js';

/** A text and when it is spoken. */
export type SpokenText = Pick<TranscriptSegment, 'text' | 'startMs' | 'endMs' | 'words'>;

/** A part of a text that stands on one line, and when it is spoken: a word with its punctuation. */
export interface TimedPiece {
  readonly text: string;
  /** Columns: wide characters count two. */
  readonly width: number;
  /** What stands between it and the piece before, unless a line ends there. */
  readonly separator: '' | ' ';
  readonly startMs: number;
  readonly endMs: number;
}

/** Without times of words: nobody speaks more slowly, in milliseconds a column (four letters a second). */
const SLOWEST_COLUMN_MS = 250;

/** Of scripts without spaces the rules know words; which language it is makes no difference to them. */
const WORDS = new Intl.Segmenter(undefined, { granularity: 'word' });

/** Punctuation never begins a line, opening brackets and quotes never end one. */
const CLOSES = /^[\p{Pe}\p{Pf}\p{Po}\p{Lm}]+$/u;
const OPENS = /^[\p{Ps}\p{Pi}]+$/u;

/**
 * The text of a segment in pieces that lines and cues may be broken between: words, in scripts without spaces those of a
 * dictionary. Times come from the segment's words; without words the pieces share the segment's time by their width.
 *
 * @param before the text before it, which decides about the space between
 * @param maxWidth longer words are broken, in columns
 */
export function timedPieces(segment: SpokenText, before: string, maxWidth: number): TimedPiece[] {
  const { text } = segment;
  const spans = unbrokenSpans(text).flatMap(([start, end]) => shortSpans(text, start, end, maxWidth));
  const times = segment.words === undefined ? sharedTimes(segment, spans) : spokenTimes(segment, spans);
  return spans.map(([start, end], i) => ({
    text: text.slice(start, end),
    width: textWidth(text.slice(start, end)),
    separator: i === 0 ? textSeparator(before, text.slice(start)) : spans[i - 1]![1] === start ? '' : ' ',
    ...times[i]!,
  }));
}

/** From and before which UTF-16 unit of a text. */
type Span = readonly [start: number, end: number];

function unbrokenSpans(text: string): Span[] {
  return Array.from(text.matchAll(/\S+/gu)).flatMap(({ 0: word, index }) => {
    const spans: [number, number][] = [];
    let last = '';
    for (const { segment, index: at } of WORDS.segment(word)) {
      const start = index + at;
      const mayBreak = textSeparator(last, segment) === '' && !CLOSES.test(segment) && !OPENS.test(last);
      if (spans.length > 0 && !mayBreak) spans.at(-1)![1] = start + segment.length;
      else spans.push([start, start + segment.length]);
      last = segment;
    }
    return spans;
  });
}

/** A word wider than a line in parts that are not. */
function shortSpans(text: string, start: number, end: number, maxWidth: number): Span[] {
  let to = start;
  return splitWidth(text.slice(start, end), maxWidth).map((part) => {
    const from = to;
    to += part.length;
    return [from, to] as const;
  });
}

type Times = Pick<TimedPiece, 'startMs' | 'endMs'>;

/** Each piece's share of the segment's time, which ends sooner where that is long for so little text. */
function sharedTimes({ text, startMs, endMs }: SpokenText, spans: readonly Span[]): Times[] {
  const widths = spans.map(([start, end]) => textWidth(text.slice(start, end)));
  const total = widths.reduce((sum, width) => sum + width, 0);
  const columnMs = Math.min(SLOWEST_COLUMN_MS, (endMs - startMs) / Math.max(1, total));
  let columns = 0;
  return widths.map((width) => {
    const from = startMs + columns * columnMs;
    columns += width;
    return { startMs: from, endMs: startMs + columns * columnMs };
  });
}

/** From the first word that a piece shares a character with to the last; without one when the piece before ends. */
function spokenTimes({ words = [], startMs }: SpokenText, spans: readonly Span[]): Times[] {
  let next = 0;
  let lastMs = words[0]?.startMs ?? startMs;
  return spans.map(([start, end]) => {
    while (next < words.length && words[next]!.textEnd <= start) next++;
    const first = words[next];
    const fromMs = first !== undefined && first.textStart < end ? timeWithin(first, start) : lastMs;
    lastMs = Math.max(lastMs, fromMs);
    for (let i = next; i < words.length && words[i]!.textStart < end; i++) {
      lastMs = Math.max(lastMs, timeWithin(words[i]!, end));
    }
    return { startMs: fromMs, endMs: lastMs };
  });
}

/** When a character of a word is spoken, for words that are broken; its start or end for what is not in it. */
function timeWithin({ textStart, textEnd, startMs, endMs }: TimedWord, at: number): number {
  const share = (at - textStart) / Math.max(1, textEnd - textStart);
  return startMs + Math.min(1, Math.max(0, share)) * (endMs - startMs);
}
