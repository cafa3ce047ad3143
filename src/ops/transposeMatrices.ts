/**
 * Transposes each of a run of matrices: [count, rows, columns] → [count, columns, rows]. With [outputs, inputs, taps] it
 * moves the channels of a convolution's weight last, with [outputs, taps, inputs] back in front of the taps.
 *
 * @param to as long as `from`, and other memory
 * @example
 * transposeMatrices(Float32Array.of(1, 2, 3, 4, 5, 6), to, [1, 2, 3]); // to is 1 4 2 5 3 6
 */
export function transposeMatrices<A extends Uint16Array | Uint32Array | Float32Array>(
  from: A,
  to: A,
  [count, rows, columns]: readonly [count: number, rows: number, columns: number],
): void {
  for (let base = 0; base < count * rows * columns; base += rows * columns) {
    for (let row = 0; row < rows; row++) {
      const start = base + row * columns;
      for (let column = 0; column < columns; column++) to[base + column * rows + row] = from[start + column]!;
    }
  }
}
