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
