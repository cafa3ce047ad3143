import type { TranscriptSegment } from '../types.js';
import type { TranscriptWriter } from './transcriptFormat.js';

/**
 * SubRip: numbered cues, times with a comma. A cue is a segment that has text; its times are the segment's. The format
 * has no specification; players take the text as it is.
 */
export function subRip(): TranscriptWriter {
  let cues = 0;
  const cue = (segment: TranscriptSegment): string =>
    `${++cues}\n${cueTimes(segment, ',')}\n${cueText(segment)}\n\n`;
  return {
    begin: () => '',
    segment: (segment) => (segment.text === '' ? '' : cue(segment)),
    end: () => '',
  };
}

/** WebVTT (W3C): the same with a header, times with a point, and `&`, `<` and `>` as references. */
export function webVtt(): TranscriptWriter {
  const cue = (segment: TranscriptSegment): string =>
    `${cueTimes(segment, '.')}\n${escapeVtt(cueText(segment))}\n\n`;
  return {
    begin: () => 'WEBVTT\n\n',
    segment: (segment) => (segment.text === '' ? '' : cue(segment)),
    end: () => '',
  };
}

function cueTimes({ startMs, endMs }: TranscriptSegment, decimalMark: ',' | '.'): string {
  return `${cueTime(startMs, decimalMark)} --> ${cueTime(endMs, decimalMark)}`;
}

/** `HH:MM:SS,mmm`; hours may have more digits. */
function cueTime(ms: number, decimalMark: ',' | '.'): string {
  const whole = Math.round(ms);
  const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
  const hours = pad(Math.floor(whole / 3_600_000), 2);
  const minutes = pad(Math.floor(whole / 60_000) % 60, 2);
  const seconds = pad(Math.floor(whole / 1000) % 60, 2);
  return `${hours}:${minutes}:${seconds}${decimalMark}${pad(whole % 1000, 3)}`;
}

/** An empty line would end the cue. */
function cueText({ text }: TranscriptSegment): string {
  return text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, '\n');
}

function escapeVtt(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
