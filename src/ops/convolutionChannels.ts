import { type PlainParameter, STORAGE_BYTES } from './parameter.js';

/** Weights of convolutions by their numbers' size: to move them, nobody needs to know what they are. */
type Words = Uint16Array | Uint32Array;

/** A convolution's weight as [out, kh, kw, in], whichever way it lies: new memory, or a copy. */
export function channelsLast(parameter: PlainParameter): Words {
  const from = wordsOf(parameter);
  const [outputs = 0, inputs = 0, height = 0, width = 0] = parameter.shape;
  return parameter.channels === 'last' ? from : transposed(from, [outputs, inputs, height * width]);
}

/** The same as its shape says: itself, or moved. */
export function channelsFirst(parameter: PlainParameter): PlainParameter {
  if (parameter.channels === undefined) return parameter;
  const [outputs = 0, inputs = 0, height = 0, width = 0] = parameter.shape;
  const moved = transposed(wordsOf(parameter), [outputs, height * width, inputs]);
  const { channels: _, ...others } = parameter;
  return { ...others, bytes: new Uint8Array(moved.buffer) };
}

/** A copy: element access in a mapping of gigabytes is slow in V8, copying it is not. */
function wordsOf({ bytes, dtype }: PlainParameter): Words {
  const { buffer } = bytes.slice();
  return STORAGE_BYTES[dtype] === 4 ? new Uint32Array(buffer) : new Uint16Array(buffer);
}

/**
 * Transposes each of a run of matrices: [count, rows, columns] → [count, columns, rows].
 *
 * @example
 * transposed(Uint16Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3]); // 1 4 2 5 3 6
 */
export function transposed<A extends Words | Float32Array>(
  from: A,
  [count, rows, columns]: readonly [count: number, rows: number, columns: number],
): A {
  const to = new (from.constructor as new (length: number) => A)(from.length);
  for (let base = 0; base < count * rows * columns; base += rows * columns) {
    for (let row = 0; row < rows; row++) {
      const start = base + row * columns;
      for (let column = 0; column < columns; column++) to[base + column * rows + row] = from[start + column]!;
    }
  }
  return to;
}
