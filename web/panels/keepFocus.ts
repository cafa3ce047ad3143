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
