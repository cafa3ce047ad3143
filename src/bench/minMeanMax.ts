export interface MinMeanMax {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/** The three figures of the seed's table. */
export function minMeanMax(values: readonly number[]): MinMeanMax {
  const sum = values.reduce((total, value) => total + value, 0);
  return { min: Math.min(...values), mean: sum / values.length, max: Math.max(...values) };
}
