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
