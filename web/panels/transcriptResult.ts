import type { TimedWord } from '../../src/browser.js';
import type { RecordingTranscript } from '../../src/transcribe/formats/recordingTranscript.js';
import {
  type TranscriptFormatName,
  transcriptWriter,
} from '../../src/transcribe/formats/transcriptFormat.js';
import { elementById, saveFile } from './page.js';

/** What a transcript can be downloaded as, and what a browser is told of the file. */
const FILES: Readonly<Record<TranscriptFormatName, readonly [title: string, mediaType: string]>> = {
  txt: ['Text', 'text/plain'],
  srt: ['Subtitles: SubRip', 'application/x-subrip'],
  vtt: ['Subtitles: WebVTT', 'text/vtt'],
  lrc: ['Lyrics: LRC', 'text/plain'],
  tsv: ['Table: TSV', 'text/tab-separated-values'],
  json: ['JSON', 'application/json'],
  jsonl: ['JSON lines', 'application/jsonl'],
};

/** What there is of a transcript beside its text: the words and their times, and files, as the command line writes them. */
export class TranscriptResult {
  readonly #words = elementById('words', HTMLDetailsElement);
  readonly #wordRows = elementById('word-rows', HTMLTableSectionElement);
  readonly #saveRow = elementById('save-row', HTMLElement);
  #transcript: RecordingTranscript | null = null;

  constructor() {
    const format = elementById('save-format', HTMLSelectElement);
    format.replaceChildren(...Object.entries(FILES).map(([name, [title]]) => new Option(title, name)));
    elementById('save', HTMLButtonElement).addEventListener('click', () => {
      if (this.#transcript !== null) save(this.#transcript, format.value as TranscriptFormatName);
    });
  }

  clear(): void {
    this.#transcript = null;
    this.#wordRows.replaceChildren();
    this.#words.hidden = true;
    this.#saveRow.hidden = true;
  }

  /** Words that follow those that are there. */
  addWords(words: readonly TimedWord[]): void {
    for (const { startMs, endMs, text } of words) {
      const row = this.#wordRows.insertRow();
      for (const cell of [secondsText(startMs), secondsText(endMs), text])
        row.insertCell().textContent = cell;
    }
    if (words.length > 0) this.#words.hidden = false;
  }

  /** The transcript is complete: it can be downloaded. */
  offer(transcript: RecordingTranscript): void {
    this.#transcript = transcript;
    this.#saveRow.hidden = false;
  }
}

function secondsText(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function save(transcript: RecordingTranscript, format: TranscriptFormatName): void {
  const writer = transcriptWriter(format, { input: transcript.input, logProbabilities: false });
  const segments = transcript.segments.map((segment) => writer.segment(segment));
  const text = [writer.begin(), ...segments, writer.end(transcript)].join('');
  saveFile(`${transcript.input.replace(/\.\w+$/, '')}.${format}`, text, FILES[format][1]);
}
