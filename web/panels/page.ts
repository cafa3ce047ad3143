import type { AlignerInfo, ModelInfo } from '../../src/browser.js';
import type { Recording } from '../audio/recording.js';

/** What the panels of the page know of each other. */
export class PageState {
  model: ModelInfo | null = null;
  /** What finds the times of words. */
  aligner: AlignerInfo | null = null;
  recording: Recording | null = null;
  /** Loading, transcribing or measuring: one at a time. */
  busy = false;
  readonly #listeners: (() => void)[] = [];

  /** Whether there is something to transcribe and something to do it with. */
  get ready(): boolean {
    return this.model !== null && this.recording !== null && !this.busy;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  change(changes: Partial<Pick<PageState, 'model' | 'aligner' | 'recording' | 'busy'>>): void {
    Object.assign(this, changes);
    for (const listener of this.#listeners) listener();
  }
}

/**
 * An element of the page that is sure to be there.
 *
 * @throws Error when the page and its program do not belong together
 */
export function elementById<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`the page has no ${type.name} #${id}`);
}

/** Says how things stand; an error looks like one, and is spoken as one. */
export function showStatus(element: HTMLElement, text: string): void {
  element.classList.remove('error');
  element.textContent = text;
}

/** @param before what failed, for example `Not loaded: ` */
export function showError(element: HTMLElement, error: unknown, before = ''): void {
  element.classList.add('error');
  element.textContent = `${before}${error instanceof Error ? error.message : String(error)}`;
}

/**
 * Changes the page where buttons are switched off and on, and lets the keyboard go on from the button that takes over: a
 * button that is switched off would lose it.
 *
 * @param from where the keyboard may be
 */
export function keepFocus(from: HTMLElement, to: HTMLElement, change: () => void): void {
  const had = document.activeElement === from;
  change();
  if (had) to.focus();
}

/** Gives the visitor a file. */
export function saveFile(name: string, text: string, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** `1:05`, `1:00:05`. */
export function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours === 0 ? `${minutes}:${pad(seconds % 60)}` : `${hours}:${pad(minutes)}:${pad(seconds % 60)}`;
}
