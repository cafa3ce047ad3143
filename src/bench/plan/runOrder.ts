import { createRandom } from '../statistics/random.js';

/** Repeats the order of a measurement exactly. */
const ORDER_SEED = 1;

/**
 * The order in which the cells of a round are run, so that no cell has a place of its own in a machine's drift: two
 * cells alternate as ABBA ABBA…, more are shuffled anew in every round (Fisher and Yates), the same in every
 * measurement.
 *
 * @param cells how many there are
 * @returns their indices, a permutation for each round that is asked for
 * @example
 * const orderOf = runOrder(2);
 * orderOf(0); // [0, 1]
 * orderOf(1); // [1, 0]
 */
export function runOrder(cells: number): (round: number) => readonly number[] {
  if (cells <= 2) {
    const forth = Array.from({ length: cells }, (_, index) => index);
    const back = forth.toReversed();
    return (round) => (round % 2 === 0 ? forth : back);
  }
  return (round) => {
    const order = Array.from({ length: cells }, (_, index) => index);
    const random = createRandom(ORDER_SEED + round);
    for (let last = cells - 1; last > 0; last--) {
      const other = random.integer(last + 1);
      [order[last], order[other]] = [order[other]!, order[last]!];
    }
    return order;
  };
}
