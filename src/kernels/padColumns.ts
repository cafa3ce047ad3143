import type { KernelBuilder } from '../jit/builder.js';
import { type ArgumentUses, defineKernel, type Kernel, type KernelParams } from './kernel.js';

/** x [rows, from] f32, y [rows, to] f32; a tile is a row. */
const PAD_COLUMNS_ARGUMENTS = { x: 'reads', y: 'writes' } as const satisfies ArgumentUses;

export interface PadColumnsSpec {
  readonly from: number;
  readonly to: number;
}

/** Copies a matrix to longer rows that end in zeros, so that products along them need no tail. Exact. */
export function padColumns(spec: PadColumnsSpec): Kernel<typeof PAD_COLUMNS_ARGUMENTS> {
  return defineKernel({
    name: `padColumns.${spec.from}.${spec.to}`,
    args: PAD_COLUMNS_ARGUMENTS,
    tiles: ({ y }) => y.byteLength / (4 * spec.to),
    emit: (k, params) => emit(k, spec, params),
  });
}

function emit(
  k: KernelBuilder,
  { from, to }: PadColumnsSpec,
  { args, tile }: KernelParams<typeof PAD_COLUMNS_ARGUMENTS>,
): void {
  const x = args.x();
  k.advance(x, k.intOp('mul', tile, 4 * from));
  const y = args.y();
  k.advance(y, k.intOp('mul', tile, 4 * to));
  k.loop(from, () => {
    k.intStore(k.at(y), k.intLoad(k.at(x), 'i32'), 'i32');
    k.advance(x, 4);
    k.advance(y, 4);
  });
  k.loop(to - from, () => {
    k.intStore(k.at(y), 0, 'i32');
    k.advance(y, 4);
  });
}
