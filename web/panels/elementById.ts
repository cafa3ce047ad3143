/**
 * An element of the page that is sure to be there.
 *
 * @throws Error when the page and its program do not belong together
 */
export function elementById<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`the page has no ${type.name} #${id}`);
}
