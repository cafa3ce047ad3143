import type { KernelBuilder } from '../../jit/builder.js';
import { type ArgumentUses, boundIndex, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { OPERAND_BYTES, type OperandDtype } from '../matrix/productPolicy.js';

/** ids [M] i32, table [lastId + 1, length], y [M, length] f32; one tile a row. */
const EMBED_ARGUMENTS = {
  ids: 'reads',
  table: 'reads',
  y: 'writes',
  lastId: 'number',
} as const satisfies ArgumentUses;

export interface EmbedSpec {
  readonly length: number;
  readonly tableDtype: OperandDtype;
}

/** y[i] = table[ids[i]], widened; exact. An id outside the table counts as its nearest. `length` is a multiple of 16. */
export function embedRows(spec: EmbedSpec): Kernel<typeof EMBED_ARGUMENTS> {
  return defineKernel({
    name: `embedRows.${spec.length}.${spec.tableDtype}`,
    args: EMBED_ARGUMENTS,
    tiles: ({ ids }) => ids.byteLength / 4,
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(
  k: KernelBuilder,
  { length, tableDtype }: EmbedSpec,
  { args, tile }: KernelParams<typeof EMBED_ARGUMENTS>,
): void {
  const bytes = OPERAND_BYTES[tableDtype];
  const ids = args.ids();
  const id = k.intLoad(k.at(ids, 0, k.intOp('shiftLeft', tile, 2)), 'i32');
  boundIndex(k, id, args.lastId());
  const row = args.table();
  k.advance(row, k.intOp('mul', id, length * bytes));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, 4 * length));
  k.loop(length / k.lanes, () => {
    k.store(k.at(y), k.load(k.at(row), tableDtype === 'bf16' ? 'bf16' : 'raw'));
    k.advance(row, bytes * k.lanes);
    k.advance(y, 4 * k.lanes);
  });
}
