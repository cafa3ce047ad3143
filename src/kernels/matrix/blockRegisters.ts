import type { Capabilities } from '../../jit/ir.js';
import {
  type AffineBlocks,
  BLOCK_COLUMNS,
  type BlockPolicy,
  blockPolicy,
  type QuantizedRows,
} from './formats/affineBlocks.js';

/** Rows of the register tile of a product of many rows: a divisor of 12. */
export function blockTileRows(
  capabilities: Capabilities,
  weight: AffineBlocks,
  activations: QuantizedRows,
): number {
  const { vecRegisters, registersAreVirtual } = capabilities;
  if (vecRegisters === 32) return blockPolicy(capabilities, weight, activations).aSteps === 1 ? 6 : 12;
  return registersAreVirtual || weight.bits === 4 ? 4 : 6;
}

/** What passes through the registers. */
interface BlockRows {
  readonly weight: AffineBlocks;
  readonly rows: number;
  /** The weights are met once, and come from memory. */
  readonly isStream: boolean;
  /** Pairs of blocks that there are; null: known when it runs. */
  readonly pairs: number | null;
}

/** How the registers are used while a stretch of columns passes through them. */
export interface PassShape {
  /** Columns at once. */
  readonly columns: number;
  /** How often as many, which pass in turns over each group of K: so many streams of memory are read side by side. */
  readonly turns: number;
  /** Rows at once, which follow one another over each group of weights. */
  readonly rowsAtOnce: number;
  /** Accumulators of one sum, which hide the latency of the products. */
  readonly unroll: 1 | 2 | 4;
  /** Sums over the groups are in registers, not in C. */
  readonly keepsSums: boolean;
  readonly way: StepOrder;
}

/** Which side is held in registers while the other passes, and how many steps of it. */
interface StepOrder {
  readonly holdsRows: boolean;
  readonly steps: number;
  /** Loads of the side that passes which are made before their turn. */
  readonly ahead: number;
}

export function passShape(
  capabilities: Capabilities,
  policy: BlockPolicy,
  { rows, isStream, weight, pairs }: BlockRows,
): PassShape {
  const { vecRegisters, lanes, tuning } = capabilities;
  const ofBlock = BLOCK_COLUMNS / policy.columns; // registers
  const most = vecRegisters === 32 ? 24 : weight.bits === 8 ? 12 : 8; // accumulators
  // A step of each row stays in registers meanwhile, where these are fewer than the block's.
  const mostNarrow = vecRegisters < 32 ? 8 : weight.bits === 4 && lanes === 4 ? 20 : 24;
  const isNarrow = isStream && rows * ofBlock <= mostNarrow && (rows < 4 || ofBlock > 1);
  const columns = isNarrow ? BLOCK_COLUMNS : 2 * policy.columns;
  const registers = columns / policy.columns;
  const chunks = Math.ceil((rows * registers) / most);
  const rowsAtOnce = Math.ceil(rows / chunks);
  const accumulators = rowsAtOnce * registers;
  const unroll = ([4, 2] as const).find((times) => isStream && times * accumulators <= most / 2) ?? 1;
  const sums = (rows * columns) / lanes;
  // Beside them a step of weights, or of a group's end scale, bias and two of the activations.
  const spare = Math.max(4, registers * weight.stepsAtOnce + 2);
  const inTurns = isStream && pairs !== null && columns % BLOCK_COLUMNS === 0;
  const turns = inTurns ? turnsOf(tuning.streams, columns / BLOCK_COLUMNS, pairs) : 1;
  const keepsSums = chunks === 1 && accumulators * unroll + sums * turns + spare <= vecRegisters;
  const free = vecRegisters - accumulators * unroll - (keepsSums ? sums * turns : 0);
  const way = stepOrder(policy, weight, { rows: rowsAtOnce, registers, free, wanted: tuning.loadsAhead });
  return { columns, turns, rowsAtOnce, unroll, keepsSums, way };
}

/** Turns of so many blocks, at most as many as make the streams, that go into all of them. */
function turnsOf(streams: number, blocks: number, pairs: number): number {
  let turns = Math.max(1, Math.floor(streams / blocks));
  while ((2 * pairs) % (turns * blocks) !== 0) turns--;
  return turns;
}

/** The shorter side is held; where a load brings several steps of a row, as many steps as the free registers take. */
function stepOrder(
  { aSteps, nibbleBits }: BlockPolicy,
  { stepsAtOnce }: AffineBlocks,
  { rows, registers, free, wanted }: Readonly<Record<'rows' | 'registers' | 'free' | 'wanted', number>>,
): StepOrder {
  const least = { holdsRows: rows < registers, steps: stepsAtOnce, ahead: 0 };
  if (aSteps === 1) return least;
  // Of the side that passes, rows are two at once.
  const taken = ({ holdsRows, steps }: Omit<StepOrder, 'ahead'>): number =>
    (holdsRows ? rows + stepsAtOnce : registers * steps + 2) + (nibbleBits === undefined ? 0 : 1);
  const orders = [
    { holdsRows: true, steps: aSteps },
    { holdsRows: false, steps: aSteps },
    { holdsRows: false, steps: aSteps / 2 },
  ];
  const order = orders.find((one) => taken(one) <= free);
  if (order === undefined) return least;
  const spare = Math.floor((free - taken(order)) / (order.holdsRows ? stepsAtOnce : 1));
  return { ...order, ahead: Math.min(wanted, spare) };
}
