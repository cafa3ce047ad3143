/** The index itself, or where it lies outside a table of `count` rows the nearest inside: what kernels do. */
export function nearestIndex(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1));
}
