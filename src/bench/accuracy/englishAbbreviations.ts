import { WORD_END, WORD_START } from './wordBoundary.js';

/** Letters with full stops between them: "u.s", "p.m.", "n.a.s.a."; the longest first. */
const INITIALISMS = [4, 3, 2].map((letters) => {
  const pattern = `${WORD_START}${Array(letters).fill('([a-z])').join('\\.')}`;
  // A final stop belongs to it only when a word follows at once; otherwise it is a full stop like any other.
  return new RegExp(`${pattern}(?:\\.(?=[\\p{L}\\p{N}_])|${WORD_END})`, 'gu');
});

/** "c.e.o.s" */
const PLURAL_INITIALISM = new RegExp(`${WORD_START}([a-z])\\.([a-z])\\.([a-z])\\.s${WORD_END}`, 'gu');

/**
 * Writes initialisms without full stops, "U.S." like "US" and "p.m." like "pm", by the rule that the Open ASR
 * Leaderboard adds to Whisper's: two to four single letters, or three and a plural s.
 *
 * @param text in lower case
 * @example
 * joinInitialisms('the u.s. at 5 p.m.'); // 'the us. at 5 pm.'
 */
export function joinInitialisms(text: string): string {
  let joined = text.replace(PLURAL_INITIALISM, '$1$2$3s');
  for (const pattern of INITIALISMS) joined = joined.replace(pattern, (match) => match.replaceAll('.', ''));
  return joined;
}

/**
 * Removes ellipses, the other addition of the leaderboard: Whisper's rules would leave a lone full stop, and count it
 * as a word. The single character "…" counts as three stops.
 */
export function removeEllipses(text: string): string {
  return text.replace(/…/g, '...').replace(/\s*\.{3,}\s*/g, ' ');
}
