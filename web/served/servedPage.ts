import { elementById } from '../panels/page.js';

/** What the server says of itself at `page/server.json`. */
export interface ServerFacts {
  readonly model: string;
  readonly languages: readonly string[];
  /** Whether requests need one of its keys. */
  readonly needsKey: boolean;
  /** Whether it can tell when each word was spoken. */
  readonly hasWords: boolean;
}

/** What a transcript can be downloaded as: the extension of its file. */
export type ServedFormat = 'txt' | 'srt' | 'vtt' | 'json';

/** What a visitor has chosen for the next transcription. */
export interface ServedChoices {
  readonly model: string;
  /** Empty: the model recognises it. */
  readonly language: string;
  readonly prompt: string;
  readonly format: ServedFormat;
  readonly hasWords: boolean;
  /** Null: none. */
  readonly key: string | null;
}

/** What the panels of the page share: the visitor's choices, and that one thing is done at a time. */
export class ServedPage {
  readonly #facts: ServerFacts;
  readonly #key = elementById('key', HTMLInputElement);
  readonly #language = elementById('language', HTMLSelectElement);
  readonly #format = elementById('format', HTMLSelectElement);
  readonly #prompt = elementById('prompt', HTMLInputElement);
  readonly #listeners: (() => void)[] = [];
  #isBusy = false;

  constructor(facts: ServerFacts) {
    this.#facts = facts;
    elementById('model', HTMLElement).textContent = `, with the model ${facts.model}`;
    elementById('key-section', HTMLElement).hidden = !facts.needsKey;
    this.#language.append(...facts.languages.map((name) => new Option(name)));
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  get choices(): ServedChoices {
    const { model, needsKey, hasWords } = this.#facts;
    const key = this.#key.value.trim();
    return {
      ...{ model, hasWords, language: this.#language.value, prompt: this.#prompt.value.trim() },
      format: this.#format.value as ServedFormat,
      key: needsKey && key !== '' ? key : null,
    };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  change(isBusy = this.#isBusy): void {
    this.#isBusy = isBusy;
    for (const listener of this.#listeners) listener();
  }

  /** The key was none of the server's: the visitor may give another. */
  askForKey(): void {
    this.#key.focus();
    this.#key.select();
  }
}
