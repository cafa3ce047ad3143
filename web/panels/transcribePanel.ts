import type { SegmentToken, TranscriptSegment } from '../../src/browser.js';
// Not from browser.ts: see recording.ts.
import { joinLanguages, joinTexts } from '../../src/text/joinTexts.js';
import { recordingTranscript } from '../../src/transcribe/formats/recordingTranscript.js';
import type { Recording } from '../audio/recording.js';
import type { Engine } from '../engine/engine.js';
import { clockText, elementById, keepFocus, type PageState, showError, showStatus } from './page.js';
import type { TranscriptResult } from './transcriptResult.js';

/** A screen reader reads a text of up to so many characters out when it is complete. */
const MOST_SPOKEN = 1000;

/** Transcribes the chosen audio; the text grows as it is decoded. */
export function openTranscribePanel(engine: Engine, state: PageState, result: TranscriptResult): void {
  const text = elementById('text', HTMLElement);
  const spoken = elementById('text-spoken', HTMLElement);
  const status = elementById('text-status', HTMLElement);
  const row = elementById('text-progress-row', HTMLElement);
  const progress = elementById('text-progress', HTMLProgressElement);
  const reached = elementById('text-reached', HTMLElement);
  const language = elementById('language', HTMLSelectElement);
  const start = elementById('transcribe', HTMLButtonElement);
  const stop = elementById('stop-transcribe', HTMLButtonElement);
  let abort: AbortController | null = null;

  start.addEventListener('click', async () => {
    const { recording, model } = state;
    if (recording === null || model === null) return;
    abort = new AbortController();
    keepFocus(start, stop, () => state.change({ busy: true }));
    const live = new PageTranscript(text);
    const segments: TranscriptSegment[] = [];
    spoken.textContent = '';
    result.clear();
    progress.value = 0;
    showStatus(status, 'Transcribing …');
    try {
      const totalMs = await engine.transcribe({
        samples: recording.samples,
        language: language.value,
        signal: abort.signal,
        onToken: (token) => live.addToken(token),
        onSegment: (segment) => {
          segments.push(segment);
          live.addSegment(segment);
          result.addWords(segment.words ?? []);
          if (segment.endMs >= recording.durationMs) return;
          row.hidden = false;
          progress.value = (100 * segment.endMs) / recording.durationMs;
          reached.textContent = `${clockText(segment.endMs)} of ${clockText(recording.durationMs)}`;
        },
      });
      spoken.textContent = live.text.length > MOST_SPOKEN ? '' : live.text;
      showStatus(status, statusOf(recording, live.text, segments, totalMs));
      const { name, durationMs, format, decodeMs, resampleMs } = recording;
      const audioMs = decodeMs + resampleMs;
      const facts = {
        input: name,
        durationMs,
        format,
        notes: [],
        audioMs,
        totalMs: audioMs + totalMs,
        model,
      };
      result.offer(recordingTranscript(facts, segments));
    } catch (error) {
      if (abort.signal.aborted) showStatus(status, 'Stopped.');
      else showError(status, error);
    } finally {
      abort = null;
      row.hidden = true;
      keepFocus(stop, start, () => state.change({ busy: false }));
    }
  });
  stop.addEventListener('click', () => abort?.abort());
  state.onChange(() => {
    start.disabled = !state.ready;
    stop.disabled = abort === null;
    const languages = state.model?.languages ?? [];
    if (language.length !== languages.length + 1) {
      language.length = 1;
      language.append(...languages.map((name) => new Option(name)));
    }
  });
}

function statusOf(
  { name, durationMs }: Recording,
  text: string,
  segments: readonly TranscriptSegment[],
  totalMs: number,
): string {
  const language = joinLanguages(segments.map((segment) => segment.language));
  const tokens = segments.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  const said = text === '' ? 'no speech was found' : language || 'any language';
  const parts = segments.length === 1 ? '' : `, ${segments.length} segments`;
  const factor = (totalMs / durationMs).toFixed(2);
  const notes = [...new Set(segments.flatMap(({ wordNotes = [] }) => wordNotes))].map((note) => `; ${note}`);
  const time = `${totalMs.toFixed(0)} ms, ${factor} × real time`;
  return `${name}: ${said}, ${tokens} tokens in ${time}${parts}${notes.join('')}`;
}

/** One segment's place on the page. */
interface SegmentPlace {
  readonly paragraph: HTMLElement;
  readonly time: HTMLElement;
  readonly text: HTMLElement;
}

/** The text as it is decoded: one paragraph, or one a segment, each with the time at which it begins. */
export class PageTranscript {
  readonly #container: HTMLElement;
  readonly #places: SegmentPlace[] = [];
  readonly #texts: string[] = [];
  readonly #startsMs: number[] = [];

  constructor(container: HTMLElement) {
    this.#container = container;
    container.replaceChildren();
  }

  get text(): string {
    return joinTexts(this.#texts);
  }

  addToken({ segment, textPiece }: SegmentToken): void {
    this.#place(segment).text.append(textPiece);
  }

  /** A segment is finished: its text is final now. */
  addSegment({ index, startMs, text }: TranscriptSegment): void {
    this.#texts[index] = text;
    const place = this.#place(index);
    place.text.textContent = text;
    this.#startsMs[index] = startMs;
    place.paragraph.hidden = text === '';
    if (index === 0) return; // the only one, perhaps: its time says nothing
    this.#places.forEach(({ time }, i) => {
      const start = this.#startsMs[i];
      if (start !== undefined) time.textContent = `${clockText(start)} `;
    });
  }

  #place(index: number): SegmentPlace {
    for (let i = this.#places.length; i <= index; i++) {
      const [paragraph, time, text] = ['p', 'span', 'span'].map((name) => document.createElement(name)) as [
        HTMLElement,
        HTMLElement,
        HTMLElement,
      ];
      time.className = 'time';
      paragraph.append(time, text);
      this.#container.append(paragraph);
      this.#places.push({ paragraph, time, text });
    }
    return this.#places[index]!;
  }
}
