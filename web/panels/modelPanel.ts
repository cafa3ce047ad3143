import { browserThreadCount, mostBrowserThreads } from '../../src/runtime/browserThreads.js';
import { browserEnvironment, environmentFacts, modelSummary } from '../bench/environment.js';
import type { Engine } from '../engine/engine.js';
import type { ModelSource } from '../engine/messages.js';
import { chosenRepository } from './hubPanel.js';
import { elementById, type PageState, showError, showStatus } from './page.js';

/** The choice of the model; loads the demo model at once. */
export function openModelPanel(engine: Engine, state: PageState): void {
  const status = elementById('model-status', HTMLElement);
  const progress = elementById('load-progress', HTMLProgressElement);
  const threads = elementById('threads', HTMLInputElement);
  const button = elementById('load', HTMLButtonElement);
  threads.value = String(crossOriginIsolated ? browserThreadCount() : 1);
  threads.max = String(mostBrowserThreads());
  threads.disabled = !crossOriginIsolated;
  for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="model"]')) {
    radio.addEventListener('change', () => {
      elementById('folder-row', HTMLElement).hidden = chosenKind() !== 'folder';
      elementById('hub-row', HTMLElement).hidden = chosenKind() !== 'hub';
    });
  }

  const load = async () => {
    if (!threads.reportValidity()) return;
    let source: ModelSource | null;
    try {
      source = chosenSource();
    } catch (error) {
      return showError(status, error, 'Not loaded: ');
    }
    if (source === null) {
      showError(status, 'Not loaded: choose a folder first.');
      elementById('folder', HTMLInputElement).focus();
      return;
    }
    const hadFocus = document.activeElement === button;
    state.change({ busy: true, model: null });
    progress.value = 0;
    progress.hidden = false;
    showStatus(status, 'Loading …');
    try {
      const model = await engine.load(source, threads.valueAsNumber, (readBytes, totalBytes) => {
        progress.value = (100 * readBytes) / totalBytes;
      });
      const how = `WebAssembly ${model.isa}, ${threadText(model.threads)}`;
      showStatus(status, `Loaded: ${modelSummary(model)}, ${how}.`);
      state.change({ model });
    } catch (error) {
      showError(status, error, 'Not loaded: ');
    } finally {
      progress.hidden = true;
      state.change({ busy: false });
      if (hadFocus) button.focus();
    }
  };
  button.addEventListener('click', load);
  state.onChange(() => {
    button.disabled = state.busy;
  });
  void load();
}

function chosenKind(): string | undefined {
  return document.querySelector<HTMLInputElement>('input[name="model"]:checked')?.value;
}

/** Null while no folder has been chosen. @throws QwenAsrError `usage` for what is no name of a model */
function chosenSource(): ModelSource | null {
  if (chosenKind() === 'hub') return { kind: 'stored', repository: chosenRepository('') };
  if (chosenKind() !== 'folder') return { kind: 'address', url: new URL('demo/', document.baseURI).href };
  return folderSource('folder');
}

/** The folder that was chosen with a file input; null while none has been. */
export function folderSource(id: string): ModelSource | null {
  const files = [...(elementById(id, HTMLInputElement).files ?? [])];
  const [name] = files[0]?.webkitRelativePath.split('/') ?? [];
  if (name === undefined) return null;
  // A browser gives the files of all folders inside, too.
  const own = files.filter((file) => file.webkitRelativePath.split('/').length === 2);
  return { kind: 'files', name, files: own };
}

export function threadText(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

/** What the figures were measured on, and why threads may be missing. */
export function openEnvironmentPanel(state: PageState): void {
  const list = elementById('environment', HTMLDListElement);
  const environment = browserEnvironment();
  elementById('isolation', HTMLElement).hidden = environment.crossOriginIsolated;
  const show = () => {
    const entries = environmentFacts(environment, state.model).flatMap(([term, description]) => {
      const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
      dt.textContent = term;
      dd.textContent = description;
      return [dt, dd];
    });
    list.replaceChildren(...entries);
  };
  state.onChange(show);
  show();
}
