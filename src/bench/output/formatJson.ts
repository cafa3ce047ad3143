import { type BenchEvent, resultEvents } from '../record/benchEvent.js';
import type { BenchResult } from '../schema/benchResult.js';

/** Longest array of plain values that stays on one line; longer ones are wrapped there too. */
const LINE_CHARACTERS = 110;

/**
 * The document as JSON for programs, diffs and people: indented, with arrays of numbers filling their lines, so that
 * a thousand token ids are not a thousand lines.
 */
export function formatJson(result: BenchResult): string {
  return `${stringify(result, '')}\n`;
}

function stringify(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const isArray = Array.isArray(value);
  const items = isArray
    ? value.map((item) => stringify(item, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => `${JSON.stringify(name)}: ${stringify(item, inner)}`);
  const [open, close] = isArray ? ['[', ']'] : ['{', '}'];
  if (items.length === 0) return open + close;
  if (!isArray || value.some((item) => typeof item === 'object' && item !== null)) {
    return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
  }
  const line = items.join(', ');
  if (indent.length + line.length < LINE_CHARACTERS) return open + line + close;
  return `${open}\n${inner}${fillLines(items, LINE_CHARACTERS - inner.length).join(`\n${inner}`)}\n${indent}${close}`;
}

/** As many items a line as fit, each with its comma. */
function fillLines(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  items.forEach((item, index) => {
    const piece = index === items.length - 1 ? item : `${item},`;
    if (line !== '' && line.length + piece.length >= width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? piece : ` ${piece}`;
  });
  return [...lines, line];
}

/** The document as JSONL: an event a line, the header first. */
export function formatJsonl(result: BenchResult): string {
  return resultEvents(result).map(formatEvent).join('');
}

/** One line of it. */
export function formatEvent(event: BenchEvent): string {
  return `${JSON.stringify(event)}\n`;
}
