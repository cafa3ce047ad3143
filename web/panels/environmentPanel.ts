import { browserEnvironment, describeEnvironment } from '../bench/environment.js';
import { elementById } from './elementById.js';
import type { PageState } from './pageState.js';

/** What the figures were measured on, and why threads may be missing. */
export function openEnvironmentPanel(state: PageState): void {
  const list = elementById('environment', HTMLDListElement);
  const environment = browserEnvironment();
  elementById('isolation', HTMLElement).hidden = environment.crossOriginIsolated;
  const show = () => {
    const entries = describeEnvironment(environment, state.model).flatMap(([term, description]) => {
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
