/**
 * Holm's correction (1979) of several p-values: below a level α it leaves at most α of probability that any of the
 * hypotheses which are true is rejected, however they depend on each other.
 *
 * @returns the corrected p-values in the given order, each at least the original
 * @example
 * adjustByHolm([0.01, 0.04, 0.03]); // [0.03, 0.06, 0.06]
 */
export function adjustByHolm(pValues: readonly number[]): number[] {
  const ascending = Array.from(pValues.keys()).sort((i, j) => pValues[i]! - pValues[j]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  ascending.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]!));
    adjusted[index] = largest;
  });
  return adjusted;
}
