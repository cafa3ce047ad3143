import type { Operators } from '../operators.js';
import { nearestIndex } from './nearestIndex.js';
import { integersOf } from './referenceTensor.js';
import { weightOf } from './referenceWeight.js';
import { rowsOf } from './rowsOf.js';

/** y[i] = table[ids[i]], widened; an id outside the table counts as its nearest. ids [M] i32, table [V, H], y [M, H] f32. */
export function embed(args: Parameters<Operators['embed']>[0]): void {
  const table = weightOf(args.table);
  const y = rowsOf(args.y, table.rowLength);
  const rows = table.shape[0]!;
  for (const [row, id] of integersOf(args.ids).entries()) table.widenRow(nearestIndex(id, rows), y[row]!);
}
