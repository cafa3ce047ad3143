import { createRandom } from './random.js';

/** Which pairs of a row and a column count: all, or those whose column is not before the row. */
export type PairShape = 'all' | 'upper';

/**
 * One of the sums rows[i] + columns[j] by its place in ascending order, without making them all: a pivot drawn from the
 * sums that are still possible narrows the columns of every row (after Monahan 1984, algorithm 616). Memory grows with
 * the number of values, time with that number times the logarithm of the number of pairs: 17,000 values, whose 144
 * million pairs would take a gigabyte, take some ten milliseconds.
 *
 * @param rows ascending
 * @param columns ascending; of the shape `upper` the same length as rows
 * @param order place of the sum, from 0
 * @example
 * selectPairSum(Float64Array.of(0, 10), Float64Array.of(1, 2), 2, 'all'); // 11, of 1 2 11 12
 */
export function selectPairSum(
  rows: Float64Array,
  columns: Float64Array,
  order: number,
  shape: PairShape,
): number {
  // Of row i the columns from[i] … to[i] − 1 are still possible.
  const from = Float64Array.from(rows, (_, row) => (shape === 'upper' ? row : 0));
  const to = new Float64Array(rows.length).fill(columns.length);
  const random = createRandom(1); // the result does not depend on it
  let place = order; // among the sums that are still possible
  for (;;) {
    const pivot = possibleSum(rows, columns, from, to, random.uniform());
    const smaller = bounds(rows, columns, from, to, (sum) => sum < pivot);
    if (place < smaller.count) {
      to.set(smaller.ends);
      continue;
    }
    const notLarger = bounds(rows, columns, from, to, (sum) => sum <= pivot);
    if (place < notLarger.count) return pivot;
    from.set(notLarger.ends);
    place -= notLarger.count;
  }
}

/** The possible sum at this share of their number, counted row by row. */
function possibleSum(
  rows: Float64Array,
  columns: Float64Array,
  from: Float64Array,
  to: Float64Array,
  share: number,
): number {
  let possible = 0;
  for (let row = 0; row < rows.length; row++) possible += to[row]! - from[row]!;
  let left = Math.floor(share * possible);
  let row = 0;
  while (left >= to[row]! - from[row]!) {
    left -= to[row]! - from[row]!;
    row++;
  }
  return rows[row]! + columns[from[row]! + left]!;
}

/**
 * Where the possible sums that are small end in each row, and how many there are. From row to row that end only moves
 * down, so all rows together take as long as rows and columns are many.
 */
function bounds(
  rows: Float64Array,
  columns: Float64Array,
  from: Float64Array,
  to: Float64Array,
  isSmall: (sum: number) => boolean,
): { readonly ends: Float64Array; readonly count: number } {
  const ends = new Float64Array(rows.length);
  let count = 0;
  let end = columns.length;
  for (let row = 0; row < rows.length; row++) {
    while (end > 0 && !isSmall(rows[row]! + columns[end - 1]!)) end--;
    ends[row] = Math.min(Math.max(end, from[row]!), to[row]!);
    count += ends[row]! - from[row]!;
  }
  return { ends, count };
}
