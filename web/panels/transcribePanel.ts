import type { Transcript } from '../../src/browser.js';
import type { Engine } from '../engine/engine.js';
import { elementById } from './elementById.js';
import type { PageState } from './pageState.js';

/** Transcribes the chosen audio; the text grows as it is decoded. */
export function openTranscribePanel(engine: Engine, state: PageState): void {
  const text = elementById('text', HTMLElement);
  const spoken = elementById('text-spoken', HTMLElement);
  const status = elementById('text-status', HTMLElement);
  const language = elementById('language', HTMLSelectElement);
  const start = elementById('transcribe', HTMLButtonElement);
  const stop = elementById('stop-transcribe', HTMLButtonElement);
  let abort: AbortController | null = null;

  start.addEventListener('click', async () => {
    const { recording } = state;
    if (recording === null) return;
    abort = new AbortController();
    state.change({ busy: true });
    text.textContent = '';
    spoken.textContent = '';
    status.textContent = 'Transcribing …';
    try {
      const transcript = await engine.transcribe(recording.samples, {
        language: language.value,
        signal: abort.signal,
        onToken: ({ textPiece }) => text.append(textPiece),
      });
      text.textContent = transcript.text;
      spoken.textContent = transcript.text;
      status.textContent = summarize(transcript);
    } catch (error) {
      status.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      abort = null;
      state.change({ busy: false });
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

function summarize({ text, language, tokenIds, durationMs, timings }: Transcript): string {
  const factor = (timings.totalMs / durationMs).toFixed(2);
  const said = text === '' ? 'No speech was found' : language || 'Any language';
  return `${said}: ${tokenIds.length} tokens in ${timings.totalMs.toFixed(0)} ms, ${factor} × real time`;
}
