import { MATMUL_SLOTS } from '../matmulSlots.js';
import type { ExampleArray } from './exampleCall.js';

/** The argument structure of the matrix kernels; what is not named is 0. */
export function matmulArguments(
  named: Partial<Record<keyof typeof MATMUL_SLOTS, number | ExampleArray>>,
): (number | ExampleArray)[] {
  const slots: (number | ExampleArray)[] = [];
  for (const [name, index] of Object.entries(MATMUL_SLOTS))
    slots[index] = named[name as keyof typeof MATMUL_SLOTS] ?? 0;
  return slots;
}
