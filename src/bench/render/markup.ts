/** HTML or SVG source, as opposed to text that still has to be escaped. */
export class Markup {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

export type Child = Markup | string | number | null;
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Elements of HTML without content. */
const VOID_ELEMENTS: ReadonlySet<string> = new Set(['meta', 'br', 'hr', 'link', 'col', 'img', 'input']);

/**
 * An element. Texts among the children are escaped, so that nothing from a result file can become markup; numbers in
 * attributes are rounded to a hundredth of a pixel.
 *
 * @example
 * el('p', { class: 'note' }, 'a < b').source; // '<p class="note">a &lt; b</p>'
 */
export function el(name: string, attributes: Attributes, ...children: readonly Child[]): Markup {
  const listed = Object.entries(attributes).flatMap(([key, value]) => {
    if (value === null || value === false) return [];
    if (value === true) return [` ${key}`];
    return [` ${key}="${escapeMarkup(typeof value === 'number' ? String(round(value)) : value)}"`];
  });
  const open = `<${name}${listed.join('')}>`;
  return new Markup(VOID_ELEMENTS.has(name) ? open : `${open}${join(children).source}</${name}>`);
}

/** One after the other. */
export function join(children: readonly Child[], separator = ''): Markup {
  const sources = children.flatMap((child) => {
    if (child === null) return [];
    return [child instanceof Markup ? child.source : escapeMarkup(String(child))];
  });
  return new Markup(sources.join(separator));
}

/** Text for HTML and SVG, attributes included; control characters, which neither may hold, become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
    .replace(/(?![\t\n\r])\p{Cc}/gu, '\ufffd');
}

/** JSON that may stand in a script element: no text in it can end the element. */
export function embedJson(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
