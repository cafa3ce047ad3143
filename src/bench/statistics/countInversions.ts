/**
 * How many pairs stand in descending order, values[i] > values[j] with i < j, by merge sort (Knight 1966): time n log n.
 *
 * @param values are sorted in place
 * @example
 * countInversions(Float64Array.of(3, 1, 2)); // 2
 */
export function countInversions(values: Float64Array): number {
  let source: Float64Array = values;
  let target: Float64Array = new Float64Array(values.length);
  let inversions = 0;
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      inversions += merge(source, target, start, width);
    }
    [source, target] = [target, source];
  }
  if (source !== values) values.set(source);
  return inversions;
}

/** Merges two sorted stretches of at most `width` values; one that comes from the right overtakes what is left. */
function merge(source: Float64Array, target: Float64Array, start: number, width: number): number {
  const middle = Math.min(start + width, source.length);
  const end = Math.min(start + 2 * width, source.length);
  let left = start;
  let right = middle;
  let inversions = 0;
  for (let place = start; place < end; place++) {
    if (left < middle && (right >= end || source[left]! <= source[right]!)) target[place] = source[left++]!;
    else {
      target[place] = source[right++]!;
      inversions += middle - left;
    }
  }
  return inversions;
}
