import type { SegmentToken, TranscriptSegment } from '../../src/browser.js';
// Not from browser.ts: see recording.ts.
import { joinTexts } from '../../src/text/joinTexts.js';

/** One segment's place on the page. */
interface Place {
  readonly paragraph: HTMLElement;
  readonly time: HTMLElement;
  readonly text: HTMLElement;
}

/** The text as it is decoded: one paragraph, or one a segment, each with the time at which it begins. */
export class LiveTranscript {
  readonly #container: HTMLElement;
  readonly #places: Place[] = [];
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
      if (start !== undefined) time.textContent = `${clockTime(start)} `;
    });
  }

  #place(index: number): Place {
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

/** `1:05`, `1:00:05`. */
export function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours === 0 ? `${minutes}:${pad(seconds % 60)}` : `${hours}:${pad(minutes)}:${pad(seconds % 60)}`;
}
