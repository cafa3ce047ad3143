import type { MergeTable } from './mergeTable.js';

/** Positions a heap key can hold beside the rank: key = rank · 2^31 + position stays below 2^53 for ranks below 2^22. */
const POSITION_SPAN = 2 ** 31;

const NONE = -1;

/**
 * Byte-pair merging of one word: as long as neighbours merge, the pair of the lowest rank does, the leftmost among
 * equals. A linked list and a heap of candidate pairs make it O(n log n), so that one very long word (a URL, text
 * without spaces) does not stop the program.
 *
 * @param ids ids of the word's single bytes
 * @returns ids of the merged pieces, in order
 * @example
 * bytePairMerge([0, 1], new MergeTable(parseMerges('a b'), new Map([['a', 0], ['b', 1], ['ab', 2]]))); // [2]
 */
export function bytePairMerge(ids: readonly number[], merges: MergeTable): number[] {
  const length = ids.length;
  const id = Int32Array.from(ids); // [length] i32, piece that starts at this position
  const next = new Int32Array(length); // [length] i32, position of the next piece; length at the end
  const previous = new Int32Array(length); // [length] i32, NONE at the start
  const pairRank = new Int32Array(length); // [length] i32, rank of the piece and its successor now, NONE if they do not merge
  const candidates = new NumberHeap();

  const offer = (position: number): void => {
    const successor = next[position]!;
    const rank = successor < length ? merges.rank(id[position]!, id[successor]!) : NONE;
    pairRank[position] = rank;
    if (rank !== NONE) candidates.push(rank * POSITION_SPAN + position);
  };
  for (let position = 0; position < length; position++) {
    next[position] = position + 1;
    previous[position] = position - 1;
  }
  for (let position = 0; position < length; position++) offer(position);

  for (let key = candidates.pop(); key !== undefined; key = candidates.pop()) {
    const rank = Math.floor(key / POSITION_SPAN);
    const position = key % POSITION_SPAN;
    // The pair may be gone since it was offered: one of its pieces has merged with another neighbour.
    if (pairRank[position] !== rank) continue;
    const absorbed = next[position]!;
    const successor = next[absorbed]!;
    id[position] = merges.mergedId(rank);
    pairRank[absorbed] = NONE;
    next[position] = successor;
    if (successor < length) previous[successor] = position;
    offer(position);
    if (previous[position] !== NONE) offer(previous[position]!);
  }

  const pieces: number[] = [];
  for (let position = 0; position < length; position = next[position]!) pieces.push(id[position]!);
  return pieces;
}

/**
 * A binary min-heap of numbers: `pop` returns the smallest.
 *
 * @example
 * const heap = new NumberHeap();
 * heap.push(3);
 * heap.push(1);
 * heap.pop(); // 1
 */
export class NumberHeap {
  readonly #keys: number[] = [];

  push(key: number): void {
    const keys = this.#keys;
    let hole = keys.length;
    keys.push(key);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[hole] = keys[parent]!;
      hole = parent;
    }
    keys[hole] = key;
  }

  /** Removes and returns the smallest key; undefined when there is none. */
  pop(): number | undefined {
    const keys = this.#keys;
    const smallest = keys[0];
    const last = keys.pop();
    if (last === undefined || keys.length === 0) return last;
    let hole = 0;
    for (let child = 1; child < keys.length; child = 2 * hole + 1) {
      if (child + 1 < keys.length && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= last) break;
      keys[hole] = keys[child]!;
      hole = child;
    }
    keys[hole] = last;
    return smallest;
  }
}
