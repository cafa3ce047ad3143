import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg } from '../../jit/ir.js';
import { type ArgumentUses, boundIndex, defineKernel, type Kernel, type KernelParams } from '../kernel.js';
import { AffineBlocks, BLOCK_COLUMNS, STEP_BYTES, STEP_DEPTH } from '../matrix/formats/affineBlocks.js';
import { OPERAND_BYTES, type OperandDtype } from '../matrix/productPolicy.js';

/** ids [M] i32, table [lastId + 1, length], y [M, length] f32; one tile a row. */
const EMBED_ARGUMENTS = {
  ids: 'reads',
  table: 'reads',
  y: 'writes',
  lastId: 'number',
} as const satisfies ArgumentUses;

type Params = KernelParams<typeof EMBED_ARGUMENTS>;

export interface EmbedSpec {
  readonly length: number;
  readonly tableDtype: OperandDtype | AffineBlocks;
}

/**
 * y[i] = table[ids[i]], widened; exact, in blocks scale·q and the addition of the bias rounded once each. An id outside
 * the table counts as its nearest. `length` is a multiple of 16.
 */
export function embedRows(spec: EmbedSpec): Kernel<typeof EMBED_ARGUMENTS> {
  const { length, tableDtype: table } = spec;
  return defineKernel({
    name: `embedRows.${length}.${table instanceof AffineBlocks ? table.name : table}`,
    args: EMBED_ARGUMENTS,
    tiles: ({ ids }) => ids.byteLength / 4,
    emit: (k, params) => {
      const ids = params.args.ids();
      const id = k.intLoad(k.at(ids, 0, k.intOp('shiftLeft', params.tile, 2)), 'i32');
      boundIndex(k, id, params.args.lastId());
      const y = params.args.y();
      k.advance(y, k.intOp('mul', params.tile, 4 * length));
      if (table instanceof AffineBlocks) emitFromBlocks(k, length, table, params, id, y);
      else emitFromRows(k, length, table, params, id, y);
    },
  });
}

function emitFromRows(
  k: KernelBuilder,
  length: number,
  table: OperandDtype,
  { args }: Params,
  id: IntReg,
  y: IntReg,
): void {
  const bytes = OPERAND_BYTES[table];
  const row = args.table();
  k.advance(row, k.intOp('mul', id, length * bytes));
  k.loop(length / k.lanes, () => {
    k.store(k.at(y), k.load(k.at(row), table === 'bf16' ? 'bf16' : 'raw'));
    k.advance(row, bytes * k.lanes);
    k.advance(y, 4 * k.lanes);
  });
}

/** The row is a column of its block: its values are gathered, a group at a time, in scratch memory. */
function emitFromBlocks(
  k: KernelBuilder,
  length: number,
  table: AffineBlocks,
  { args, scratch }: Params,
  id: IntReg,
  y: IntReg,
): void {
  const { groupSize, bits, scaleBytes, scales, stepsAtOnce, isCentred } = table;
  const block = args.table();
  k.advance(
    block,
    k.intOp('mul', k.intOp('shiftRight', id, Math.log2(BLOCK_COLUMNS)), table.blockBytes(length)),
  );
  const column = k.intOp('and', id, BLOCK_COLUMNS - 1);
  const from = k.intOp('add', block, k.intOp('mul', column, STEP_DEPTH));
  const scaleOffset = k.intOp('mul', column, scaleBytes, column);
  k.advance(block, table.valueBytes);
  k.loop(length / groupSize, () => {
    for (let at = 0; at < groupSize / STEP_DEPTH / stepsAtOnce; at++) {
      const word = k.intLoad(k.at(from, at * STEP_BYTES), 'i32');
      const to = at * stepsAtOnce * STEP_DEPTH;
      if (bits === 8) {
        k.intStore(k.at(scratch, to), word, 'i32');
      } else {
        k.intStore(k.at(scratch, to), k.intOp('and', word, 0x0f0f0f0f), 'i32');
        k.intOp('shiftRight', word, 4, word);
        k.intStore(k.at(scratch, to + STEP_DEPTH), k.intOp('and', word, 0x0f0f0f0f), 'i32');
      }
    }
    const type = scales === 'f32' ? 'raw' : scales;
    // The loads take neighbours along: the first lane counts.
    k.store(k.at(scratch, groupSize), k.load(k.at(block, 0, scaleOffset), type));
    const scale = k.broadcast(k.at(scratch, groupSize));
    k.store(k.at(scratch, groupSize), k.load(k.at(block, BLOCK_COLUMNS * scaleBytes, scaleOffset), type));
    const bias = k.broadcast(k.at(scratch, groupSize));
    for (let vector = 0; vector < groupSize / k.lanes; vector++) {
      const value = k.load(k.at(scratch, vector * k.lanes), 'u8');
      if (isCentred) k.vecOp('xor', value, k.vecBits(0x80), value);
      k.mul(k.unary('fromI32', value, value), scale, value);
      k.store(k.at(y, 4 * k.lanes * vector), k.add(value, bias, value));
    }
    k.advance(y, 4 * groupSize);
    k.advance(from, table.groupBytes);
    k.advance(block, table.groupBytes);
  });
}
