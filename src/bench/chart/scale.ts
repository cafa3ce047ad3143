/** From values to pixels, or to the columns and rows of a terminal. */
export interface Scale {
  readonly at: (value: number) => number;
  /** Values that deserve a line and a label, in ascending order. */
  readonly ticks: readonly number[];
}

/** Share of the range that is left free on either side of the data, unless a caller leaves room itself. */
const PADDING = 0.06;

/**
 * A linear scale around the data, from `from` to `to` pixels.
 *
 * @param values at least one
 * @param ticks how many there is room for
 * @param options.zero starts at 0, for lengths that are compared by eye
 * @param options.padding share of the range that is left free on either side
 */
export function linearScale(
  values: readonly number[],
  from: number,
  to: number,
  ticks: number,
  { zero = false, padding = PADDING }: { readonly zero?: boolean; readonly padding?: number } = {},
): Scale {
  const least = zero ? 0 : Math.min(...values);
  const most = Math.max(...values);
  // Without any spread the data stands in the middle of a range around it.
  const spread = most - least || Math.abs(most) * 0.1 || 1;
  const free = spread * (most === least && !zero ? PADDING : padding);
  const low = zero ? 0 : least - free;
  const high = (most === least && zero ? least + spread : most) + free;
  const at = (value: number) => from + ((value - low) / (high - low)) * (to - from);
  return { at, ticks: niceTicks(low, high, ticks) };
}

/** A logarithmic scale; all values are above 0. */
export function logScale(
  values: readonly number[],
  from: number,
  to: number,
  ticks: number,
  { padding = PADDING }: { readonly padding?: number } = {},
): Scale {
  const least = Math.log(Math.min(...values));
  const most = Math.log(Math.max(...values));
  const spread = most - least || 0.1;
  const free = spread * (most === least ? PADDING : padding);
  const [low, high] = [least - free, most + free];
  const at = (value: number) => from + ((Math.log(value) - low) / (high - low)) * (to - from);
  return { at, ticks: logTicks(Math.exp(low), Math.exp(high), ticks) };
}

/** Multiples of 1, 2 or 5 times a power of ten: the finest that are no more than `count` + 1, which is at least 3. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const most = Math.max(count, 2) + 1;
  const power = Math.floor(Math.log10((high - low) / most));
  for (let exponent = power; ; exponent++) {
    for (const factor of [1, 2, 5]) {
      const ticks = multiples(Number(`${factor}e${exponent}`), low, high);
      if (ticks.length <= most) return ticks;
    }
  }
}

function multiples(step: number, low: number, high: number): number[] {
  const ticks: number[] = [];
  // 3 · 0.1 is not 0.3: the digits of the step say where to cut.
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  for (let index = Math.ceil(low / step); index * step <= high; index++) {
    ticks.push(Number((index * step).toFixed(digits)) || 0);
  }
  return ticks;
}

/** 1, 2 and 5 times the powers of ten as far as there is room, else powers alone; linear ones on a short range. */
function logTicks(low: number, high: number, count: number): number[] {
  if (high / low < 4) return niceTicks(low, high, count).filter((tick) => tick > 0);
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = powersWith(factors, low, high);
    if (ticks.length <= count + 1) return ticks;
  }
  const powers = powersWith([1], low, high);
  const stride = Math.ceil(powers.length / count);
  return powers.filter((_, index) => index % stride === 0);
}

function powersWith(factors: readonly number[], low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** Whether values are so far apart that steps of a logarithm are even. */
export function isWide(values: readonly number[], ratio: number): boolean {
  const least = Math.min(...values);
  return least > 0 && Math.max(...values) / least >= ratio;
}
