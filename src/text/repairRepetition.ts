/** A run of one character longer than this collapses; a pattern repeated at least this often does. */
const THRESHOLD = 20;

/** Longest pattern that is looked for, in code points. */
const LONGEST_PATTERN = 20;

/** A match of a repeated pattern starts only where at least this many code points remain. */
const LEAST_REMAINING = 2 * THRESHOLD;

/**
 * Repairs the loops that greedy decoding can fall into, as the published package does, over code points:
 * 1. a run of the same character longer than 20 collapses to one;
 * 2. then, from left to right, a pattern of 1 to 20 characters repeated 20 times or more collapses to one. A match
 *    starts only where at least 40 code points remain, the shortest pattern is tried first, all its repetitions are
 *    taken, and the search goes on behind them.
 *
 * Linear in the length of the text.
 *
 * @example
 * repairRepetition('no'.repeat(30) + '!'); // 'no!'
 */
export function repairRepetition(text: string): string {
  // Every collapse needs at least 20 code points.
  return text.length < THRESHOLD ? text : collapsePatterns(collapseRuns([...text])).join('');
}

function collapseRuns(characters: readonly string[]): string[] {
  const kept: string[] = [];
  for (let start = 0; start < characters.length; ) {
    let end = start + 1;
    while (end < characters.length && characters[end] === characters[start]) end++;
    const keptEnd = end - start > THRESHOLD ? start + 1 : end;
    for (let i = start; i < keptEnd; i++) kept.push(characters[i]!);
    start = end;
  }
  return kept;
}

function collapsePatterns(characters: readonly string[]): string[] {
  const periodicUntil = new PeriodicStretches(characters);
  const kept: string[] = [];
  let position = 0;
  while (position + LEAST_REMAINING <= characters.length) {
    const match = periodicUntil.repetition(position);
    const taken = match?.patternLength ?? 1;
    for (let i = 0; i < taken; i++) kept.push(characters[position + i]!);
    position += match?.totalLength ?? 1;
  }
  for (; position < characters.length; position++) kept.push(characters[position]!);
  return kept;
}

/**
 * For each pattern length, how far the text goes on equal to itself that many characters later. Positions asked for
 * must not decrease, so each length walks over the text once.
 */
class PeriodicStretches {
  readonly #characters: readonly string[];
  /** [pattern length] → first position from the last one asked for on where character ≠ the one a pattern later. */
  readonly #end: number[] = new Array<number>(LONGEST_PATTERN + 1).fill(0);

  constructor(characters: readonly string[]) {
    this.#characters = characters;
  }

  /** The shortest pattern that repeats often enough from this position on, and the length of all its repetitions. */
  repetition(position: number): { patternLength: number; totalLength: number } | undefined {
    for (let length = 1; length <= LONGEST_PATTERN; length++) {
      const repetitions = Math.floor((this.#stretchEnd(length, position) - position) / length) + 1;
      if (repetitions >= THRESHOLD) return { patternLength: length, totalLength: repetitions * length };
    }
    return undefined;
  }

  #stretchEnd(length: number, position: number): number {
    const characters = this.#characters;
    let end = Math.max(this.#end[length]!, position);
    while (end + length < characters.length && characters[end] === characters[end + length]) end++;
    this.#end[length] = end;
    return end;
  }
}
