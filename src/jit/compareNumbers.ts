import type { CompareKind } from './ir.js';
import { unknownCase } from './unknownCase.js';

/** Every comparison but `ne` is false when an operand is NaN. */
export function compareNumbers(kind: CompareKind, a: number, b: number): boolean {
  switch (kind) {
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    default:
      throw unknownCase(kind);
  }
}
