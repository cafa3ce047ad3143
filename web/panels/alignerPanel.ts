import type { AlignerInfo } from '../../src/browser.js';
import { modelSummary } from '../bench/environment.js';
import type { Engine } from '../engine/engine.js';
import type { ModelSource } from '../engine/messages.js';
import { chosenRepository } from './hubPanel.js';
import { folderSource, threadText } from './modelPanel.js';
import { elementById, type PageState, showError, showStatus } from './page.js';

/** The choice of what finds the times of words. Nothing is loaded before its button is pressed. */
export function openAlignerPanel(engine: Engine, state: PageState): void {
  const status = elementById('aligner-status', HTMLElement);
  const progress = elementById('aligner-progress', HTMLProgressElement);
  const choice = elementById('aligner', HTMLSelectElement);
  const button = elementById('load-aligner', HTMLButtonElement);

  const load = async (source: ModelSource | null) => {
    const focused = [button, choice].find((control) => control === document.activeElement);
    state.change({ busy: true, aligner: null });
    progress.value = 0;
    progress.hidden = source === null;
    showStatus(status, source === null ? '' : 'Loading …');
    try {
      const threads = elementById('threads', HTMLInputElement).valueAsNumber;
      const aligner = await engine.loadAligner(source, threads, (readBytes, totalBytes) => {
        progress.value = (100 * readBytes) / totalBytes;
      });
      showStatus(status, aligner === null ? 'No aligner is loaded.' : loadedText(aligner));
      state.change({ aligner });
    } catch (error) {
      showError(status, error, 'Not loaded: ');
    } finally {
      progress.hidden = true;
      state.change({ busy: false });
      focused?.focus();
    }
  };
  choice.addEventListener('change', () => {
    elementById('aligner-folder-row', HTMLElement).hidden = choice.value !== 'folder';
    elementById('aligner-hub-row', HTMLElement).hidden = choice.value !== 'hub';
    button.hidden = choice.value === '';
    if (choice.value === '' && state.aligner !== null) void load(null);
  });
  button.addEventListener('click', () => {
    if (!elementById('threads', HTMLInputElement).reportValidity()) return;
    try {
      const source = chosenSource(choice.value);
      if (source !== null) return void load(source);
      showError(status, 'Not loaded: choose a folder first.');
      elementById('aligner-folder', HTMLInputElement).focus();
    } catch (error) {
      showError(status, error, 'Not loaded: ');
    }
  });
  state.onChange(() => {
    button.disabled = state.busy;
    choice.disabled = state.busy;
  });
}

/** Null while no folder has been chosen. @throws QwenAsrError `usage` for what is no name of an aligner */
function chosenSource(choice: string): ModelSource | null {
  if (choice === 'hub') return { kind: 'stored', repository: chosenRepository('aligner-') };
  if (choice === 'folder') return folderSource('aligner-folder');
  return { kind: 'address', url: new URL('demo-aligner/', document.baseURI).href };
}

function loadedText(aligner: AlignerInfo): string {
  return `Loaded: ${modelSummary(aligner)}, WebAssembly ${aligner.isa}, ${threadText(aligner.threads)}.`;
}
