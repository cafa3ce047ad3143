import { QwenAsrError } from '../error.js';
import { describeValue, quote } from '../model/describe.js';

/** Byte-pair merges in the order of their rank, and how to name one of them in an error. */
export interface MergeRules {
  /** [rank] → left and right piece, in the byte alphabet. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Where the rule of this rank was read, for example `merges.txt line 3`. */
  readonly locate: (rank: number) => string;
}

/**
 * Reads `merges.txt`: one rule a line, two pieces with one space between. Only a first line that starts with
 * `#version` is a comment: later lines that start with `#` are merges. CR LF and a byte order mark are accepted.
 *
 * @throws QwenAsrError `model` naming the first malformed line.
 * @example
 * parseMerges('#version: 0.2\nĠ t\n# #\n').pairs; // [['Ġ', 't'], ['#', '#']]
 */
export function parseMerges(text: string): MergeRules {
  const { lines, locate } = mergeLines(text);
  return { pairs: lines.map((line, rank) => splitRule(line, rank, locate)), locate };
}

/** The lines of a `merges.txt` that should be rules, in the order of their rank. */
export function mergeLines(text: string): { lines: readonly string[] } & Pick<MergeRules, 'locate'> {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const firstRule = lines[0]?.startsWith('#version') ? 1 : 0;
  while (lines.length > firstRule && lines[lines.length - 1] === '') lines.pop();
  return { lines: lines.slice(firstRule), locate: (rank) => `merges.txt line ${rank + firstRule + 1}` };
}

/**
 * Reads the `merges` of a `tokenizer.json`: "left right" strings (older files) or [left, right] pairs.
 *
 * @throws QwenAsrError `model` naming the first malformed merge, counted from 1.
 */
export function parseMergeList(list: readonly unknown[]): MergeRules {
  const locate = (rank: number): string => `tokenizer.json merge ${rank + 1}`;
  const pairs = list.map((rule, rank) => {
    if (typeof rule === 'string') return splitRule(rule, rank, locate);
    if (Array.isArray(rule) && rule.length === 2) {
      const [left, right]: unknown[] = rule;
      if (typeof left === 'string' && typeof right === 'string') return [left, right] as const;
    }
    throw malformed(locate(rank), rule);
  });
  return { pairs, locate };
}

function splitRule(line: string, rank: number, locate: (rank: number) => string): readonly [string, string] {
  const pair = mergePair(line);
  if (pair === null) throw malformed(locate(rank), line);
  return pair;
}

/** The two pieces that a rule merges; null for what is no rule. */
export function mergePair(line: string): readonly [left: string, right: string] | null {
  const space = line.indexOf(' ');
  if (space <= 0 || space === line.length - 1 || line.includes(' ', space + 1)) return null;
  return [line.slice(0, space), line.slice(space + 1)];
}

function malformed(where: string, found: unknown): QwenAsrError {
  return new QwenAsrError(
    'model',
    `${where}: expected two pieces separated by one space, found ${describeValue(found)}`,
  );
}

/** Odd multipliers that spread neighbouring ids over the table: 2^32 divided by the golden ratio, and Murmur3's c2. */
const LEFT_MULTIPLIER = 0x9e3779b1;
const RIGHT_MULTIPLIER = 0x1b873593;

/**
 * Merges by pair of ids: an open-addressing hash table in typed arrays. The published 151,387 rules take 4 MB and a
 * lookup makes no garbage, which a `Map` with string or composed keys would.
 */
export class MergeTable {
  readonly #slotMask: number;
  readonly #rankPlusOne: Int32Array; // [slots] i32, 0 is an empty slot
  readonly #leftId: Int32Array; // [rules] i32
  readonly #rightId: Int32Array; // [rules] i32
  readonly #mergedId: Int32Array; // [rules] i32

  /**
   * @throws QwenAsrError `model` when a rule names a piece, or makes one, that the vocabulary does not hold.
   */
  constructor(rules: MergeRules, vocabulary: ReadonlyMap<string, number>) {
    const count = rules.pairs.length;
    this.#leftId = new Int32Array(count);
    this.#rightId = new Int32Array(count);
    this.#mergedId = new Int32Array(count);
    // At most half full, so that probing ends after one or two steps.
    const slots = 2 ** Math.ceil(Math.log2(2 * count + 2));
    this.#slotMask = slots - 1;
    this.#rankPlusOne = new Int32Array(slots);

    const idOf = (piece: string, rank: number): number => {
      const id = vocabulary.get(piece);
      if (id !== undefined) return id;
      throw new QwenAsrError(
        'model',
        `${rules.locate(rank)}: the piece ${quote(piece)} is not in the vocabulary`,
      );
    };
    rules.pairs.forEach(([left, right], rank) => {
      this.#leftId[rank] = idOf(left, rank);
      this.#rightId[rank] = idOf(right, rank);
      this.#mergedId[rank] = idOf(left + right, rank);
      this.#rankPlusOne[this.#slot(this.#leftId[rank], this.#rightId[rank])] = rank + 1;
    });
  }

  /** Rank of the merge of two neighbouring ids, -1 when they do not merge. Of a rule given twice, the later counts. */
  rank(left: number, right: number): number {
    return this.#rankPlusOne[this.#slot(left, right)]! - 1;
  }

  /** Id that the merge of this rank makes. */
  mergedId(rank: number): number {
    return this.#mergedId[rank]!;
  }

  /** The slot that holds the pair, or the empty one where it belongs. */
  #slot(left: number, right: number): number {
    const hash = Math.imul(left, LEFT_MULTIPLIER) ^ Math.imul(right, RIGHT_MULTIPLIER);
    let slot = (hash ^ (hash >>> 15)) & this.#slotMask;
    for (;;) {
      const rank = this.#rankPlusOne[slot]! - 1;
      if (rank < 0 || (this.#leftId[rank] === left && this.#rightId[rank] === right)) return slot;
      slot = (slot + 1) & this.#slotMask;
    }
  }
}
