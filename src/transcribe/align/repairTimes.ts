/**
 * Puts times that go back into order, as the published package does: those outside the longest non-decreasing subsequence
 * move. A run of one or two takes the nearer of its neighbours in the subsequence (the left one when both are as near), a
 * longer one is spread evenly between them; at an end there is only one neighbour.
 *
 * @param times [n] in ms
 * @returns [n] whole ms that never decrease
 * @example
 * repairTimes([0, 80, 4000, 160, 240]); // [0, 80, 80, 160, 240]
 */
export function repairTimes(times: readonly number[]): number[] {
  const kept = longestRising(times);
  const repaired = [...times];
  for (let k = 0; k <= kept.length; k++) {
    const [left, right] = [kept[k - 1], kept[k]];
    const first = left === undefined ? 0 : left + 1;
    const end = right ?? times.length;
    for (let i = first; i < end; i++) {
      if (left === undefined || right === undefined) repaired[i] = times[(left ?? right)!]!;
      else if (end - first <= 2) repaired[i] = times[i - left <= right - i ? left : right]!;
      else {
        const step = (times[right]! - times[left]!) / (end - first + 1);
        repaired[i] = times[left]! + step * (i - left);
      }
    }
  }
  return repaired.map(Math.trunc);
}

/** Indices of the longest non-decreasing subsequence; of equally long ones the one that is found first. */
function longestRising(times: readonly number[]): number[] {
  const length = new Int32Array(times.length).fill(1);
  const before = new Int32Array(times.length).fill(-1);
  let longest = 0;
  for (let i = 0; i < times.length; i++) {
    for (let j = 0; j < i; j++) {
      if (times[j]! <= times[i]! && length[j]! >= length[i]!) {
        length[i] = length[j]! + 1;
        before[i] = j;
      }
    }
    if (length[i]! > length[longest]!) longest = i;
  }
  const indices: number[] = [];
  for (let i = times.length === 0 ? -1 : longest; i >= 0; i = before[i]!) indices.push(i);
  return indices.reverse();
}
