import { type ArgumentUses, defineKernel, type Kernel, rowRange } from '../kernel.js';
import { OPERAND_BYTES } from '../matrix/productPolicy.js';

/** x [m, depth] bf16, y the same in f32, at the distances of the spec. */
const WIDEN_ARGUMENTS = { x: 'reads', y: 'writes', m: 'number' } as const satisfies ArgumentUses;

export interface WidenRowsSpec {
  /** Elements of a row; a multiple of 16. */
  readonly depth: number;
  /** Distance between rows of x. */
  readonly strideBytes: number;
  readonly rowsPerTile: number;
}

const CACHE_LINE_BYTES = 64;

/** Distance between widened rows: a line more than they are long, so that no two of a strip share cache sets. */
export function widenedStrideBytes(depth: number): number {
  return OPERAND_BYTES.f32 * depth + CACHE_LINE_BYTES;
}

/** y = x, exactly: rows in bf16 for products that multiply in f32, once for all tiles of all such products. */
export function widenRows(spec: WidenRowsSpec): Kernel<typeof WIDEN_ARGUMENTS> {
  const { depth, strideBytes, rowsPerTile } = spec;
  return defineKernel({
    name: `widenRows.${depth}.s${strideBytes}.t${rowsPerTile}`,
    args: WIDEN_ARGUMENTS,
    tiles: ({ m }) => Math.ceil(m / rowsPerTile),
    emit: (k, { args, tile }) => {
      const { first, count } = rowRange(k, tile, rowsPerTile, args.m);
      const x = args.x();
      k.advance(x, k.intOp('mul', first, strideBytes));
      const y = args.y();
      k.advance(y, k.intOp('mul', first, widenedStrideBytes(depth)));
      k.loop(count, () => {
        k.loop(depth / k.lanes, () => {
          k.store(k.at(y), k.load(k.at(x), 'bf16'));
          k.advance(x, OPERAND_BYTES.bf16 * k.lanes);
          k.advance(y, OPERAND_BYTES.f32 * k.lanes);
        });
        k.advance(x, strideBytes - OPERAND_BYTES.bf16 * depth);
        k.advance(y, widenedStrideBytes(depth) - OPERAND_BYTES.f32 * depth);
      });
    },
  });
}
