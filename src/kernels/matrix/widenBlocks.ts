import type { KernelBuilder } from '../../jit/builder.js';
import type { IntReg, VecReg } from '../../jit/ir.js';
import { type AffineBlocks, BLOCK_COLUMNS, STEP_BYTES, STEP_DEPTH } from './formats/affineBlocks.js';
import { PAIR_STEP } from './packPairs.js';
import { TILE_BYTES, TILE_ROW_BYTES } from './tileBlock.js';

/** Half a unit in the last place of a bf16 in the bits of an f32: what rounds to nearest when the lower half is cut off. */
const HALF_OF_LAST_PLACE = 0x8000;
const UPPER_HALF = 0xffff0000;

/**
 * Writes packed blocks as right factors of products of tiles: [depth/2][16 columns][2] bf16 for each block of 16 columns,
 * w = scale·q + bias, rounded to nearest (of two that are as near, to the larger in size). Lanes are columns, 16 of them.
 *
 * Error: 2⁻⁸·|w|, and that of f32 before it is rounded.
 */
export class BlockWidener {
  private readonly k: KernelBuilder;
  private readonly weight: AffineBlocks;
  /** Where in 32 bits each of their values begins, in the order of K. */
  private readonly places: readonly number[];
  /** What keeps one value where it is, for all but the topmost. */
  private readonly masks: ReadonlyMap<number, VecReg>;
  private readonly rounding: VecReg;
  private readonly upperHalf: VecReg;

  /** @param weight not centred */
  constructor(k: KernelBuilder, weight: AffineBlocks) {
    this.k = k;
    this.weight = weight;
    const { bits } = weight;
    const ofBytes = Array.from({ length: STEP_DEPTH }, (_, byte) => 8 * byte);
    // Of nibbles the lower ones of all bytes are one step, the upper ones the next.
    this.places = bits === 8 ? ofBytes : [...ofBytes, ...ofBytes.map((place) => place + bits)];
    const below = this.places.filter((place) => place + bits < 32);
    this.masks = new Map(below.map((place) => [place, k.vecBits((2 ** bits - 1) * 2 ** place)]));
    this.rounding = k.vecBits(HALF_OF_LAST_PLACE);
    this.upperHalf = k.vecBits(UPPER_HALF);
  }

  /** Steps of tiles in a group. */
  get stepsOfGroup(): number {
    return this.weight.groupSize / PAIR_STEP;
  }

  /**
   * One step of tiles: 32 of K of a block, to 1 KiB.
   *
   * @param b the group's first byte
   * @param step of the group
   */
  emitStep(b: IntReg, step: number, { to, offset }: { readonly to: IntReg; readonly offset: number }): void {
    const { k, weight, places, masks } = this;
    const { bits, valueBytes, scaleBytes } = weight;
    const type = weight.scales === 'f32' ? 'raw' : weight.scales;
    const scale = k.load(k.at(b, valueBytes), type);
    const bias = k.load(k.at(b, valueBytes + BLOCK_COLUMNS * scaleBytes), type);
    // Of a value that stays where it is in its 32 bits, which are a power of two times it.
    const scales = places.map((place) =>
      masks.has(place) && place > 0 ? k.mul(scale, k.vecConst(2 ** -place)) : scale,
    );
    const stepBytes = (PAIR_STEP * BLOCK_COLUMNS * bits) / 8;
    for (let line = 0; line < stepBytes / STEP_BYTES; line++) {
      const packed = k.load(k.at(b, step * stepBytes + line * STEP_BYTES));
      const values = (i: number): VecReg => {
        const place = places[i]!;
        const mask = masks.get(place);
        const q = mask === undefined ? k.shift('right', packed, place) : k.vecOp('and', packed, mask);
        const w = k.vecMove(k.vec(), bias);
        k.fma(w, k.unary('fromI32', q, q), scales[i]!);
        return k.vecOp('addI32', w, this.rounding, w);
      };
      for (let i = 0; i < places.length; i += 2) {
        const first = values(i);
        k.shift('right', first, 16, first);
        const second = values(i + 1);
        k.vecOp('and', second, this.upperHalf, second);
        const pair = (line * places.length + i) / 2;
        k.store(k.at(to, offset + pair * TILE_ROW_BYTES), k.vecOp('or', second, first, second));
      }
    }
  }

  /** Some groups of a block; both are moved. */
  emitGroups(groups: number, b: IntReg, to: IntReg): void {
    const { k, weight, stepsOfGroup } = this;
    k.loop(groups, () => {
      for (let step = 0; step < stepsOfGroup; step++) {
        this.emitStep(b, step, { to, offset: step * TILE_BYTES });
      }
      k.advance(b, weight.groupBytes);
      k.advance(to, stepsOfGroup * TILE_BYTES);
    });
  }
}
