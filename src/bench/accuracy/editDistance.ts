/** Bits of a machine word in JavaScript. */
const WORD_BITS = 32;

/**
 * The Levenshtein distance (1966): the fewest substitutions, insertions and deletions that turn one sequence into the
 * other. Bit-parallel, 32 rows of the table at a time (Myers 1999, in the form of Hyyrö 2003), so that the 60,000
 * characters of an hour of speech take about a second; memory is linear.
 *
 * @param reference tokens, compared by identity
 * @param hypothesis tokens
 * @example
 * editDistance([...'kitten'], [...'sitting']); // 3
 */
export function editDistance(reference: readonly string[], hypothesis: readonly string[]): number {
  if (reference.length === 0) return hypothesis.length;
  const blocks = Math.ceil(reference.length / WORD_BITS);
  const matchBits = positions(reference, blocks);
  const nowhere = new Int32Array(blocks);
  // The column's differences between neighbouring rows as bits: one more below (+1), one less below (−1).
  const more = new Int32Array(blocks).fill(-1);
  const less = new Int32Array(blocks);
  const lastRow = 1 << ((reference.length - 1) % WORD_BITS);
  let distance = reference.length;
  for (const token of hypothesis) {
    const matches = matchBits.get(token) ?? nowhere;
    let carry = 1; // the table's top row grows by one in every column
    for (let block = 0; block < blocks; block++) {
      const bottom = block === blocks - 1 ? lastRow : 1 << (WORD_BITS - 1);
      carry = advanceBlock(more, less, block, matches[block]!, carry, bottom);
    }
    distance += carry;
  }
  return distance;
}

/** For every token the rows where it stands, a bit each. */
function positions(reference: readonly string[], blocks: number): Map<string, Int32Array> {
  const bits = new Map<string, Int32Array>();
  reference.forEach((token, row) => {
    let rows = bits.get(token);
    if (rows === undefined) {
      rows = new Int32Array(blocks);
      bits.set(token, rows);
    }
    rows[Math.floor(row / WORD_BITS)]! |= 1 << (row % WORD_BITS);
  });
  return bits;
}

/**
 * Moves 32 rows to the next column.
 *
 * @param carryIn the horizontal difference (−1, 0, 1) that enters at the top of the block
 * @param bottom the bit of the block's last row
 * @returns the horizontal difference that leaves at that row
 */
function advanceBlock(
  more: Int32Array,
  less: Int32Array,
  block: number,
  matches: number,
  carryIn: number,
  bottom: number,
): number {
  const plus = more[block]!;
  const minus = less[block]!;
  const vertical = matches | minus;
  const equal = carryIn < 0 ? matches | 1 : matches;
  const horizontal = ((((equal & plus) + plus) | 0) ^ plus) | equal;
  let rightMore = minus | ~(horizontal | plus);
  let rightLess = plus & horizontal;
  const carryOut = (rightMore & bottom) !== 0 ? 1 : (rightLess & bottom) !== 0 ? -1 : 0;
  rightMore = (rightMore << 1) | (carryIn > 0 ? 1 : 0);
  rightLess = (rightLess << 1) | (carryIn < 0 ? 1 : 0);
  more[block] = rightLess | ~(vertical | rightMore);
  less[block] = rightMore & vertical;
  return carryOut;
}
