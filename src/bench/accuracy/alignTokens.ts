/** Which token of the hypothesis stands for which of the reference, and what that makes of the rest. */
export interface Alignment {
  /** For every reference token the index of its hypothesis token, −1 where it is missing. Ascending. [reference] i32 */
  readonly partner: Int32Array;
  readonly matches: number;
  readonly substitutions: number;
  readonly insertions: number;
  readonly deletions: number;
}

/**
 * An error costs EDIT and a substitution one more, so that the cheapest alignment has the fewest errors, and among
 * those the fewest substitutions. That makes the counts of all three kinds unique. 2²¹ tokens are more than a day of
 * speech, and all sums stay below 2⁵³.
 */
const EDIT = 2 ** 21;
const SUBSTITUTION = EDIT + 1;

/** Below this many cells the whole table of directions is kept; above it the problem is halved first. */
const TABLE_CELLS = 2 ** 20;

const DIAGONAL = 0;
const UP = 1;

/**
 * Aligns two token sequences with the fewest errors (Levenshtein 1966), and of all such alignments one with the most
 * matches: "a b" against "b c" is a deletion and an insertion around the match "b", not two substitutions. By
 * divide and conquer in linear memory (Hirschberg 1975), within the band around the diagonal that so many errors can
 * leave at most (Ukkonen 1985): time grows with length × errors, 10,000 words against 10,000 others take about a second.
 *
 * @param reference tokens, compared by identity
 * @param hypothesis tokens
 * @example
 * alignTokens(['a', 'b', 'c'], ['a', 'x', 'c']).substitutions; // 1
 */
export function alignTokens(reference: readonly string[], hypothesis: readonly string[]): Alignment {
  const ids = new Map<string, number>();
  const idOf = (token: string): number => {
    const known = ids.get(token) ?? ids.size;
    if (known === ids.size) ids.set(token, known);
    return known;
  };
  const left = Int32Array.from(reference, idOf);
  const right = Int32Array.from(hypothesis, idOf);
  const partner = new Int32Array(left.length).fill(-1);
  alignRange(left, right, partner, 0, editDistance(reference, hypothesis));
  const paired = Array.from(partner.keys()).filter((row) => partner[row] !== -1);
  const matches = paired.filter((row) => left[row] === right[partner[row]!]).length;
  return {
    partner,
    matches,
    substitutions: paired.length - matches,
    insertions: right.length - paired.length,
    deletions: left.length - paired.length,
  };
}

/**
 * Fills `partner` for two views.
 *
 * @param offset where the right view begins in the whole hypothesis
 * @param band errors of the best alignment at most
 */
function alignRange(
  left: Int32Array,
  right: Int32Array,
  partner: Int32Array,
  offset: number,
  band: number,
): void {
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) {
    partner[start] = offset + start;
    start++;
  }
  let leftEnd = left.length;
  let rightEnd = right.length;
  while (leftEnd > start && rightEnd > start && left[leftEnd - 1] === right[rightEnd - 1]) {
    partner[--leftEnd] = offset + --rightEnd;
  }
  const rows = left.subarray(start, leftEnd);
  const columns = right.subarray(start, rightEnd);
  if (rows.length === 0 || columns.length === 0) return;
  const middlePartner = partner.subarray(start, leftEnd);
  if (rows.length === 1 || (rows.length + 1) * (columns.length + 1) <= TABLE_CELLS) {
    return alignByTable(rows, columns, middlePartner, offset + start);
  }
  const half = rows.length >> 1;
  const { split, above, below } = bestSplit(rows.subarray(0, half), rows.subarray(half), columns, band);
  alignRange(
    rows.subarray(0, half),
    columns.subarray(0, split),
    middlePartner.subarray(0, half),
    offset + start,
    above,
  );
  alignRange(
    rows.subarray(half),
    columns.subarray(split),
    middlePartner.subarray(half),
    offset + start + split,
    below,
  );
}

/**
 * Where the columns must be divided so that the upper rows go with the left part and the lower with the right, and the
 * errors of both.
 */
function bestSplit(
  upper: Int32Array,
  lower: Int32Array,
  columns: Int32Array,
  band: number,
): { split: number; above: number; below: number } {
  const before = lastRowCosts(upper, columns, band);
  const after = lastRowCosts(lower.slice().reverse(), columns.slice().reverse(), band).reverse();
  let best = 0;
  for (let column = 1; column <= columns.length; column++) {
    if (before[column]! + after[column]! < before[best]! + after[best]!) best = column;
  }
  return { split: best, above: errorsOf(before[best]!), below: errorsOf(after[best]!) };
}

/** There are fewer substitutions than an edit costs. */
function errorsOf(cost: number): number {
  return Math.floor(cost / EDIT);
}

/** The cost of turning all rows into the first 0 … n columns, infinite outside the band. [columns + 1] f64 */
function lastRowCosts(rows: Int32Array, columns: Int32Array, band: number): Float64Array {
  const costs = firstRow(columns.length, band);
  for (let row = 0; row < rows.length; row++) advanceRow(costs, rows[row]!, row, columns, null, band);
  return costs;
}

function firstRow(columns: number, band: number): Float64Array {
  return Float64Array.from({ length: columns + 1 }, (_, column) =>
    column <= band ? column * EDIT : Number.POSITIVE_INFINITY,
  );
}

/** Replaces the costs of one row by those of the next; with `directions`, notes where each cell came from. */
function advanceRow(
  costs: Float64Array,
  token: number,
  row: number,
  columns: Int32Array,
  directions: Uint8Array | null,
  band: number,
): void {
  const first = Math.max(0, row - band);
  const end = Math.min(columns.length, row + band + 1);
  if (first >= costs.length) return;
  let diagonal = costs[first]!;
  let current = first === 0 && row < band ? (row + 1) * EDIT : Number.POSITIVE_INFINITY;
  costs[first] = current;
  for (let column = first; column < end; column++) {
    const above = costs[column + 1]!;
    const replace = diagonal + (token === columns[column] ? 0 : SUBSTITUTION);
    const skip = Math.min(above, current) + EDIT;
    if (directions !== null) {
      directions[column] = replace <= skip ? DIAGONAL : above <= current ? UP : UP + 1;
    }
    current = replace <= skip ? replace : skip;
    diagonal = above;
    costs[column + 1] = current;
  }
}

function alignByTable(rows: Int32Array, columns: Int32Array, partner: Int32Array, offset: number): void {
  const width = columns.length;
  const directions = new Uint8Array(rows.length * width);
  const whole = rows.length + width;
  const costs = firstRow(width, whole);
  for (let row = 0; row < rows.length; row++) {
    advanceRow(costs, rows[row]!, row, columns, directions.subarray(row * width, (row + 1) * width), whole);
  }
  let row = rows.length - 1;
  let column = width - 1;
  while (row >= 0 && column >= 0) {
    const direction = directions[row * width + column];
    if (direction === DIAGONAL) partner[row--] = offset + column--;
    else if (direction === UP) row--;
    else column--;
  }
}

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
