import { ENTRIES_PER_SLICE, type SlicedWork } from './slicedWork.js';

/**
 * An entry and what follows it: JSON's strings (RFC 8259 §7; with fewer control characters) and its non-negative integers without exponent, with JSON's
 * white space between.
 */
const ENTRY = /[ \t\n\r]*"((?:[^"\\\p{Cc}]|\\.)*)"[ \t\n\r]*:[ \t\n\r]*(0|[1-9]\d{0,8})[ \t\n\r]*([,}])/uy;

/**
 * The entries of a JSON object whose values are all ids, such as `vocab.json`, read in slices: JSON.parse would hold up
 * everything else for 0.1 s, and as long again to go through its object.
 *
 * @returns undefined when the text is anything else, be it valid or not: JSON.parse says what
 * @example
 * finishWork(scanVocabulary('{"a":0,"b":1}')); // Map { 'a' => 0, 'b' => 1 }
 */
export function* scanVocabulary(text: string): SlicedWork<Map<string, number> | undefined> {
  const start = /^\ufeff?[ \t\n\r]*\{/.exec(text);
  if (start === null) return undefined;
  const vocabulary = new Map<string, number>();
  let at = start[0].length;
  for (let read = 1; ; read++) {
    ENTRY.lastIndex = at;
    const entry = ENTRY.exec(text);
    if (entry === null) return undefined;
    at = ENTRY.lastIndex;
    const piece = unescaped(entry[1]!);
    if (piece === undefined) return undefined;
    vocabulary.set(piece, Number(entry[2]));
    if (entry[3] === '}') return /^[ \t\n\r]*$/.test(text.slice(at)) ? vocabulary : undefined;
    if (read % ENTRIES_PER_SLICE === 0) yield;
  }
}

function unescaped(escaped: string): string | undefined {
  if (!escaped.includes('\\')) return escaped;
  try {
    return JSON.parse(`"${escaped}"`) as string;
  } catch {
    return undefined; // an escape that JSON does not know
  }
}
