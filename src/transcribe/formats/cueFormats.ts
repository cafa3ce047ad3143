import type { SubtitleCue } from './subtitleCues.js';

/** How a format of cues is written. */
export interface CueFormat {
  readonly header: string;
  /** @param number 1, 2, 3, …  @param next where the next one begins; null for the last */
  readonly cue: (cue: SubtitleCue, number: number, nextMs: number | null) => string;
}

/** The formats that are a list of cues. */
export const CUE_FORMATS = {
  /** SubRip: numbered cues, times with a comma. It has no specification; players take the text as it is. */
  srt: {
    header: '',
    cue: ({ startMs, endMs, lines }, number) =>
      `${number}\n${clock(startMs, ',')} --> ${clock(endMs, ',')}\n${lines.join('\n')}\n\n`,
  },
  /** WebVTT (W3C): times with a point; `&`, `<` and `>` are references, so that no text is markup. */
  vtt: {
    header: 'WEBVTT\n\n',
    cue: ({ startMs, endMs, lines }) =>
      `${clock(startMs, '.')} --> ${clock(endMs, '.')}\n${lines.map(escapeVtt).join('\n')}\n\n`,
  },
  /** Lyrics: a line when it is sung, and an empty one where a pause follows. Minutes may have more digits. */
  lrc: {
    header: '',
    cue: (cue, _, nextMs) => {
      const { spokenStartMs, spokenEndMs } = cue;
      const line = `${lyricTime(spokenStartMs)}${cue.text}\n`;
      const pauses = nextMs === null || nextMs - spokenEndMs >= LYRIC_PAUSE_MS;
      return pauses ? `${line}${lyricTime(spokenEndMs)}\n` : line;
    },
  },
  /** Columns with a header, as openai-whisper writes them: whole milliseconds in which the text is spoken. */
  tsv: {
    header: 'start\tend\ttext\n',
    cue: (cue) => `${Math.round(cue.spokenStartMs)}\t${Math.round(cue.spokenEndMs)}\t${cue.text}\n`,
  },
} as const satisfies Readonly<Record<string, CueFormat>>;

/** A line stays until the next one, unless it is taken away. */
const LYRIC_PAUSE_MS = 2000;

/** `HH:MM:SS,mmm`; hours may have more digits. */
function clock(ms: number, decimalMark: ',' | '.'): string {
  const hours = padded(Math.floor(ms / 3_600_000), 2);
  const minutes = padded(Math.floor(ms / 60_000) % 60, 2);
  const seconds = padded(Math.floor(ms / 1000) % 60, 2);
  return `${hours}:${minutes}:${seconds}${decimalMark}${padded(ms % 1000, 3)}`;
}

/** `[MM:SS.cc]` */
function lyricTime(ms: number): string {
  const hundredths = Math.round(ms / 10);
  const minutes = padded(Math.floor(hundredths / 6000), 2);
  return `[${minutes}:${padded(Math.floor(hundredths / 100) % 60, 2)}.${padded(hundredths % 100, 2)}]`;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

function escapeVtt(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
