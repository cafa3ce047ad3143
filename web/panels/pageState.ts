import type { ModelInfo } from '../../src/browser.js';
import type { Recording } from '../audio/recording.js';

/** What the panels of the page know of each other. */
export class PageState {
  model: ModelInfo | null = null;
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

  change(changes: Partial<Pick<PageState, 'model' | 'recording' | 'busy'>>): void {
    Object.assign(this, changes);
    for (const listener of this.#listeners) listener();
  }
}
