/** The ranks of a sample, with ties sharing the mean of the ranks they cover. */
export interface Ranks {
  /** Twice the midrank of each value, which is a whole number even for ties. */
  readonly doubled: Int32Array;
  /** The size of every group of equal values that has more than one member. */
  readonly tieSizes: readonly number[];
}

/**
 * Midranks (Kruskal 1952). They are returned doubled so that exact distributions can be counted over integers.
 *
 * @example
 * midranks([10, 20, 20]).doubled; // [2, 5, 5]
 */
export function midranks(values: readonly number[]): Ranks {
  const order = Array.from(values.keys()).sort((i, j) => values[i]! - values[j]!);
  const doubled = new Int32Array(values.length);
  const tieSizes: number[] = [];
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let place = start; place < end; place++) doubled[order[place]!] = start + 1 + end;
    if (end - start > 1) tieSizes.push(end - start);
    start = end;
  }
  return { doubled, tieSizes };
}

/** Σ (t³ − t) over the groups of ties: what ties take from the variance of a rank sum. */
export function tieCorrection(tieSizes: readonly number[]): number {
  return tieSizes.reduce((sum, size) => sum + size ** 3 - size, 0);
}
