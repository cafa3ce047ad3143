import type { StreamEvent } from '../../src/browser.js';
import { LiveMicrophone } from '../audio/liveMicrophone.js';
import type { Engine } from '../engine/engine.js';
import { clockText, elementById, type PageState, showError, showStatus } from './page.js';
import type { TranscriptResult } from './transcriptResult.js';

/** Transcribes the microphone while somebody speaks: the same button begins and ends it. */
export function openLivePanel(engine: Engine, state: PageState, result: TranscriptResult): void {
  const button = elementById('live', HTMLButtonElement);
  const status = elementById('text-status', HTMLElement);
  let isRunning = false;
  let stop: (() => void) | null = null;

  const run = async () => {
    isRunning = true;
    state.change({ busy: true });
    result.clear();
    const text = new LiveText(result);
    showStatus(status, 'Waiting for the microphone …');
    let microphone: LiveMicrophone | null = null;
    try {
      microphone = await LiveMicrophone.open();
      const ending = await transcribe(engine, microphone, text, (given) => {
        stop = given;
        state.change({});
        showStatus(status, 'Listening …');
      });
      showStatus(status, `microphone: ${text.summary}${ending}`);
    } catch (error) {
      showError(status, error);
    } finally {
      text.end();
      await microphone?.stop();
      isRunning = false;
      stop = null;
      state.change({ busy: false });
    }
  };
  button.addEventListener('click', () => {
    if (!isRunning) return void run();
    if (stop === null) return; // the visitor is still being asked
    stop();
    showStatus(status, 'Transcribing the rest …');
  });
  state.onChange(() => {
    const isOn = stop !== null;
    button.disabled = !isRunning && (state.busy || state.model === null);
    button.textContent = isOn ? 'End and transcribe the rest' : 'Transcribe the microphone live';
    button.setAttribute('aria-pressed', String(isOn));
  });
}

/**
 * From the first word to the last, which is told when the microphone has been stopped or is gone.
 *
 * @param onStart gets what stops it
 * @returns what else there is to say
 */
async function transcribe(
  engine: Engine,
  microphone: LiveMicrophone,
  text: LiveText,
  onStart: (stop: () => void) => void,
): Promise<string> {
  let ending = '';
  const session = engine.openLive({
    sampleRateHz: microphone.sampleRateHz,
    language: elementById('language', HTMLSelectElement).value,
    onEvent: (event) => text.add(event),
    onLost: (message) => {
      ending = `; ${message}`;
    },
  });
  const stop = () => void microphone.stop().then(() => session.finish());
  const onGone = () => {
    ending = '; the microphone is gone';
    stop();
  };
  microphone.listen(session.write, onGone);
  onStart(stop);
  await session.ended;
  return ending;
}

/** The text of a stream: what stands, and, told apart, what may still change. */
class LiveText {
  readonly #result: TranscriptResult;
  readonly #spoken = elementById('text-spoken', HTMLElement);
  readonly #heard = elementById('live-heard', HTMLElement);
  readonly #committed = document.createElement('span');
  readonly #tentative = document.createElement('span');
  #language = '';
  #audioMs = 0;

  constructor(result: TranscriptResult) {
    this.#result = result;
    this.#tentative.className = 'tentative';
    const paragraph = document.createElement('p');
    paragraph.append(this.#committed, this.#tentative);
    elementById('text', HTMLElement).replaceChildren(paragraph);
    this.#spoken.textContent = '';
  }

  add({
    committed,
    tentative,
    audioMs,
    behindMs,
    language,
    lagging,
    segmentText,
    words = [],
  }: StreamEvent): void {
    this.#committed.append(committed);
    this.#tentative.textContent = tentative;
    this.#audioMs = audioMs;
    this.#language ||= language;
    const behind = lagging ? `, ${(behindMs / 1000).toFixed(1)} s wait` : '';
    this.#heard.textContent = `${clockText(audioMs)} heard${behind}`;
    this.#heard.hidden = false;
    this.#result.addWords(words);
    // A screen reader reads segments out when they are complete.
    if (segmentText !== null) this.#spoken.textContent = segmentText;
  }

  end(): void {
    this.#heard.hidden = true;
  }

  get summary(): string {
    const said =
      this.#committed.textContent === '' ? 'no speech was found' : this.#language || 'any language';
    return `${said}, ${(this.#audioMs / 1000).toFixed(1)} s`;
  }
}
