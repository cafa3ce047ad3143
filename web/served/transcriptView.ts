import { clockText, elementById, saveFile } from '../panels/page.js';
import type { ServedFormat } from './servedPage.js';

/** A screen reader reads a text of up to so many characters out when it is complete. */
const MOST_SPOKEN = 1000;

/** What a browser is told of a file. */
const MEDIA_TYPES: Readonly<Record<ServedFormat, string>> = {
  txt: 'text/plain',
  srt: 'application/x-subrip',
  vtt: 'text/vtt',
  json: 'application/json',
};

/** A part of a text that grows until it is complete. */
export interface TextPart {
  append(text: string): void;
  /** What it is in the end. */
  set(text: string): void;
}

/** The transcript on the page, and its file. */
export class TranscriptView {
  readonly #text = elementById('text', HTMLElement);
  readonly #spoken = elementById('spoken', HTMLElement);
  readonly #save = elementById('save', HTMLButtonElement);
  #file: { readonly name: string; readonly text: string; readonly type: string } | null = null;

  constructor() {
    this.#save.addEventListener('click', () => {
      if (this.#file !== null) saveFile(this.#file.name, this.#file.text, this.#file.type);
    });
  }

  clear(): void {
    this.#text.replaceChildren();
    this.#spoken.textContent = '';
    this.#save.hidden = true;
    this.#file = null;
  }

  /** A paragraph. @param startMs shown before it; null: nothing is */
  addPart(startMs: number | null): TextPart {
    const paragraph = document.createElement('p');
    const text = document.createElement('span');
    if (startMs !== null) {
      const time = document.createElement('span');
      time.className = 'time';
      time.textContent = `${clockText(startMs)} `;
      paragraph.append(time);
    }
    paragraph.append(text);
    this.#text.append(paragraph);
    return {
      append: (more) => text.append(more),
      set: (whole) => {
        text.textContent = whole;
        paragraph.hidden = whole === '';
      },
    };
  }

  /** A document that is no running text. */
  showDocument(text: string): void {
    const block = document.createElement('pre');
    block.tabIndex = 0; // it scrolls, by keyboard too
    block.textContent = text;
    this.#text.replaceChildren(block);
  }

  /** Reads a text out. */
  speak(text: string): void {
    this.#spoken.textContent = text.length > MOST_SPOKEN ? 'The transcript is complete.' : text;
  }

  /** Offers the transcript as a file. @param name of the recording */
  offer(name: string, format: ServedFormat, text: string): void {
    this.#file = { name: `${name.replace(/\.\w+$/, '')}.${format}`, text, type: MEDIA_TYPES[format] };
    this.#save.textContent = `Download ${this.#file.name}`;
    this.#save.hidden = false;
  }
}
