import type { KernelBuilder } from '../jit/builder.js';
import type { IntReg } from '../jit/ir.js';
import { ScratchVariable } from './kernel.js';
import type { CachedAttentionSpec } from './prefillAttention.js';
import { type TilePolicy, tilePolicy } from './tilePolicy.js';

/** Keys between two updates of the running softmax: a multiple of every vector's lanes. */
export const STEP_KEYS = 256;

/** What scratch memory holds for each query head of the group, as byte offsets from the head's part. */
export interface StepScratch {
  /** Scores, then softmax weights, of one block of keys: [STEP_KEYS] f32. */
  readonly weights: number;
  /** Highest score so far, in every lane: [lanes] f32. */
  readonly highest: number;
  /** Σ weight so far, to be summed over the lanes: [lanes] f32. */
  readonly total: number;
  /** What the sums so far must be multiplied with, in every lane: [lanes] f32. */
  readonly correction: number;
  /** Σ weight·value so far: [headDim] f32. */
  readonly sums: number;
  /** Size of a head's part. */
  readonly headBytes: number;
}

/** A tile of stepAttention while its code is written; its integers live in scratch memory. */
export class StepTile {
  readonly k: KernelBuilder;
  readonly spec: CachedAttentionSpec;
  readonly policy: TilePolicy;
  readonly scratch: IntReg;
  readonly at: StepScratch;
  /** Query heads that share the key/value head. */
  readonly group: number;
  /** Bytes of one query, key or value. */
  readonly rowBytes: number;
  /** Address of the group's first query head, and of its output. */
  readonly q: ScratchVariable;
  readonly y: ScratchVariable;
  /** Address of the block's first key, and of its value. */
  readonly keys: ScratchVariable;
  readonly values: ScratchVariable;
  /** Keys from the block's first to the last. */
  readonly keysLeft: ScratchVariable;
  /** Keys of the block, at most STEP_KEYS. */
  readonly blockKeys: ScratchVariable;

  constructor(k: KernelBuilder, spec: CachedAttentionSpec, scratch: IntReg) {
    this.k = k;
    this.spec = spec;
    this.policy = tilePolicy(k.capabilities, spec.dtype, spec.dtype);
    this.scratch = scratch;
    this.at = layOut(spec.headDim, k.lanes);
    this.group = spec.heads / spec.kvHeads;
    this.rowBytes = spec.headDim * this.policy.bBytes;
    const variable = (index: number): ScratchVariable => new ScratchVariable(k, scratch, index);
    this.q = variable(0);
    this.y = variable(1);
    this.keys = variable(2);
    this.values = variable(3);
    this.keysLeft = variable(4);
    this.blockKeys = variable(5);
  }

  /** Runs `body` for each query head of the group; `head` is where its part of scratch memory starts. */
  forEachHead(body: (head: IntReg) => void): void {
    const head = this.k.intMove(this.k.int(), this.scratch);
    this.k.loop(this.group, () => {
      body(head);
      this.k.advance(head, this.at.headBytes);
    });
  }
}

function layOut(headDim: number, lanes: number): StepScratch {
  const highest = 4 * STEP_KEYS;
  const total = highest + 4 * lanes;
  const correction = total + 4 * lanes;
  const sums = correction + 4 * lanes;
  return { weights: 0, highest, total, correction, sums, headBytes: sums + 4 * headDim };
}
