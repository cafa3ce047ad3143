import { repairRepetition } from './repairRepetition.js';
import { strip } from './whiteSpace.js';

/** Stands between what the model says about the language and the text. */
export const ASR_TEXT_TAG = '<asr_text>';

const LANGUAGE_PREFIX = 'language ';

/** What Python's `str.splitlines()` splits at, as the inside of a class: U+000A–U+000D are LF, VT, FF and CR. */
const LINE_BREAKS = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029';

const lineBreak = new RegExp(`[${LINE_BREAKS}]`, 'u');

export interface ParsedTranscript {
  /** Name such as `English`; '' when the model named none. */
  readonly language: string;
  readonly text: string;
}

/**
 * Splits the model's raw output into language and text as the published package does: strip, repair loops, split at
 * the first `<asr_text>` (later ones stay in the text). Without the tag the whole is the text and the language
 * empty. `language None` before the tag means that no speech was recognised.
 *
 * @param raw decoded output, tag included
 * @param options.forcedLanguage the prompt named this language, so the whole output is the text
 * @example
 * parseTranscript('language English<asr_text>Good morning.'); // { language: 'English', text: 'Good morning.' }
 */
export function parseTranscript(
  raw: string,
  options: { readonly forcedLanguage?: string | undefined } = {},
): ParsedTranscript {
  const output = repairRepetition(strip(raw));
  if (options.forcedLanguage !== undefined) return { language: options.forcedLanguage, text: output };
  const tag = output.indexOf(ASR_TEXT_TAG);
  if (tag < 0) return { language: '', text: strip(output) };
  return {
    language: namedLanguage(output.slice(0, tag)),
    text: strip(output.slice(tag + ASR_TEXT_TAG.length)),
  };
}

/** The language that the part before the tag names: on the first line that starts with `language `, in any case. */
function namedLanguage(head: string): string {
  if (head.toLowerCase().includes('language none')) return '';
  for (const line of head.split(lineBreak)) {
    const stripped = strip(line);
    if (stripped.toLowerCase().startsWith(LANGUAGE_PREFIX)) {
      return recase(strip(stripped.slice(LANGUAGE_PREFIX.length)));
    }
  }
  return '';
}

function recase(name: string): string {
  const [first = '', ...rest] = name;
  return first.toUpperCase() + rest.join('').toLowerCase();
}
