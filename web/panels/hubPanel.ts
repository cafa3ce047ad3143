import { PUBLISHED_NAMES, repositoryOf } from '../../src/hub/hubNames.js';
import type { Engine } from '../engine/engine.js';
import type { HubModel } from '../engine/hubStorage.js';
import { elementById, type PageState, showError, showStatus } from './page.js';

/** What the ids of a hub's controls begin with: those for the model that transcribes, and those for the aligner. */
export type HubPrefix = '' | 'aligner-';

/** Models of the hub in this browser: asking what they are, fetching, stopping, removing; each when its button is pressed. */
export function openHubPanel(engine: Engine, state: PageState, prefix: HubPrefix): void {
  const status = elementById(`${prefix}hub-status`, HTMLElement);
  const progress = elementById(`${prefix}fetch-progress`, HTMLProgressElement);
  const name = elementById(`${prefix}hub-name`, HTMLInputElement);
  const [lookUp, fetch, stop, forget] = ['look-up', 'fetch', 'stop-fetch', 'forget'].map((id) =>
    elementById(`${prefix}${id}`, HTMLButtonElement),
  ) as [HTMLButtonElement, HTMLButtonElement, HTMLButtonElement, HTMLButtonElement];
  const isOffered = (key: string) => (key === 'aligner') === (prefix === 'aligner-');
  elementById(`${prefix}hub-names`, HTMLDataListElement).append(
    ...[...PUBLISHED_NAMES.keys()].filter(isOffered).map((key) => new Option(key, key)),
  );
  let abort = new AbortController();

  /** One thing at a time; what goes wrong is said. */
  const run = async (before: string, work: () => Promise<string>) => {
    state.change({ busy: true });
    try {
      showStatus(status, await work());
    } catch (error) {
      showError(status, error, before);
    } finally {
      progress.hidden = true;
      stop.hidden = true;
      state.change({ busy: false });
    }
  };
  const show = (model: HubModel): string => {
    const isThere = model.storedBytes === model.totalBytes;
    fetch.hidden = false;
    fetch.textContent = isThere ? 'Check it' : `Fetch ${sizeText(model.totalBytes - model.storedBytes)}`;
    const stored = model.storedBytes > 0 ? `, ${sizeText(model.storedBytes)} of it in this browser` : '';
    return `${model.repository}: ${sizeText(model.totalBytes)}${stored}.`;
  };

  lookUp.addEventListener('click', () =>
    run('Not found: ', async () => show(await engine.lookUp(orderOf(prefix)))),
  );
  fetch.addEventListener('click', () =>
    run('Not fetched: ', async () => {
      abort = new AbortController();
      progress.value = 0;
      progress.hidden = false;
      stop.hidden = false;
      // Else a browser that runs out of room may throw it away.
      await navigator.storage.persist();
      const chosen = orderOf(prefix);
      showStatus(status, `Fetching ${chosen.repository} …`);
      const onProgress = (bytes: number, totalBytes: number) => {
        progress.value = (100 * bytes) / totalBytes;
        showStatus(status, `Fetching ${chosen.repository}: ${sizeText(bytes)} of ${sizeText(totalBytes)}`);
      };
      await engine.fetchModel(chosen, onProgress, abort.signal);
      fetch.hidden = true;
      return `${chosen.repository} is in this browser; Load takes it from there.`;
    }),
  );
  stop.addEventListener('click', () => abort.abort());
  forget.addEventListener('click', () =>
    run('Not removed: ', async () => {
      const chosen = orderOf(prefix);
      await engine.forget(chosen);
      fetch.hidden = true;
      return `${chosen.repository} is not in this browser.`;
    }),
  );
  name.addEventListener('input', () => {
    fetch.hidden = true;
  });
  state.onChange(() => {
    for (const button of [lookUp, fetch, forget]) button.disabled = state.busy;
  });
}

function orderOf(prefix: HubPrefix) {
  const endpoint = document.querySelector<HTMLMetaElement>('meta[name="hub"]')?.content ?? '';
  return { endpoint, repository: chosenRepository(prefix) };
}

/** @throws QwenAsrError `usage` */
export function chosenRepository(prefix: HubPrefix): string {
  return repositoryOf(elementById(`${prefix}hub-name`, HTMLInputElement).value.trim());
}

/** `1.9 GB`, `10.5 MB`. */
function sizeText(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
