/** A word typed in so few letters can mean anything. */
const FEWEST_LETTERS = 2;

/**
 * The word that somebody probably meant: one that begins as typed, or else the nearest within a third of its letters.
 *
 * @returns undefined when none is near
 * @example
 * nearestWord('langauge', ['json', 'language']); // 'language'
 */
export function nearestWord(typed: string, words: readonly string[]): string | undefined {
  if (typed.length < FEWEST_LETTERS) return undefined;
  const begun = words.filter((word) => word.startsWith(typed));
  if (begun.length > 0) return begun[0];
  const near = words
    .map((word) => ({ word, distance: typingDistance(typed, word) }))
    .filter(({ word, distance }) => distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.word;
}

/**
 * The fewest letters left out, put in, mistaken or swapped with their neighbour (Damerau 1964, as optimal string
 * alignment).
 */
function typingDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (isSame ? 0 : 1),
        ...(isSwapped ? [beforeLast[column - 2]! + 1] : []),
      );
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length]!;
}
