import { clockText, elementById, keepFocus, showError, showStatus } from '../panels/page.js';
import { Refusal, transcribeRecording } from './askServer.js';
import type { ServedPage } from './servedPage.js';
import type { TranscriptView } from './transcriptView.js';

/** Sends a recording, and shows what comes back: text while it is recognised, other formats at the end. */
export function openUploadPanel(page: ServedPage, view: TranscriptView): void {
  const status = elementById('status', HTMLElement);
  const progress = elementById('progress', HTMLElement);
  const elapsed = elementById('elapsed', HTMLElement);
  const start = elementById('transcribe', HTMLButtonElement);
  const stop = elementById('stop', HTMLButtonElement);
  let file: File | null = null;
  let abort: AbortController | null = null;

  openDropZone((chosen) => {
    file = chosen;
    showStatus(status, `${file.name}: ${megabytes(file)}`);
    page.change();
  });

  const transcribe = async (recording: File, signal: AbortSignal): Promise<void> => {
    const { choices } = page;
    const { format } = choices;
    view.clear();
    const part = view.addPart(null);
    const startMs = performance.now();
    const showTime = (): void => {
      elapsed.textContent = clockText(performance.now() - startMs);
    };
    showTime();
    const timer = setInterval(showTime, 1000);
    showStatus(status, `${recording.name}: ${megabytes(recording)}, at the server …`);
    try {
      const text = await transcribeRecording(recording, choices, signal, (more) => part.append(more));
      if (format === 'txt') part.set(text);
      else view.showDocument(text);
      view.speak(format === 'txt' ? text : 'The transcript is complete.');
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
      const said = text.trim() === '' ? 'no speech was found' : 'transcribed';
      showStatus(status, `${recording.name}: ${said} in ${seconds} s`);
      view.offer(recording.name, format, format === 'txt' ? `${text}\n` : text);
    } catch (error) {
      if (signal.aborted) showStatus(status, 'Stopped.');
      else showError(status, error, `${recording.name}: `);
      if (error instanceof Refusal && error.status === 401) page.askForKey();
    } finally {
      clearInterval(timer);
    }
  };

  start.addEventListener('click', async () => {
    if (file === null || page.isBusy) return;
    abort = new AbortController();
    const { signal } = abort;
    keepFocus(start, stop, () => page.change(true));
    progress.hidden = false;
    try {
      await transcribe(file, signal);
    } finally {
      abort = null;
      progress.hidden = true;
      keepFocus(stop, start, () => page.change(false));
    }
  });
  stop.addEventListener('click', () => abort?.abort());
  page.onChange(() => {
    start.disabled = page.isBusy || file === null;
    stop.disabled = abort === null;
  });
}

/** A recording that is chosen, or dropped anywhere on the page. */
function openDropZone(onFile: (file: File) => void): void {
  const zone = elementById('drop', HTMLElement);
  const input = elementById('file', HTMLInputElement);
  const player = elementById('player', HTMLElement);
  let address = '';
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    URL.revokeObjectURL(address);
    address = URL.createObjectURL(file);
    const audio = document.createElement('audio');
    audio.controls = true;
    audio.ariaLabel = `Play ${file.name}`;
    // Not everything that the server decodes can be played here.
    audio.addEventListener('error', () => audio.remove());
    audio.src = address;
    player.replaceChildren(audio);
    onFile(file);
  };
  input.addEventListener('change', () => take(input.files?.[0]));
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) zone.classList.remove('over');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    take(event.dataTransfer?.files[0]);
  });
}

function megabytes({ size }: Blob): string {
  return `${(size / 1e6).toFixed(1)} MB`;
}
