import { f32Bits, narrowToBf16 } from '../jit/numberFormats.js';
import type { SyntheticTensor } from './syntheticTensors.js';

/** Knuth's multiplicative hash constant, ⌊2^32/φ⌋: spreads small seeds over the state. */
const SEED_MULTIPLIER = 2654435761;

/** Values a tensor can take: the 16 random bits of a draw choose one. */
const TABLE_SIZE = 65536;

/**
 * The random bf16 values of synthetic models. One 32-bit xorshift sequence (Marsaglia, shifts 13, 17, 5) runs through
 * all tensors in their order; 16 bits of each draw choose a value of a uniform distribution, rounded to bf16.
 *
 * @example
 * const generator = new WeightGenerator(1);
 * generator.select({ name: 'b', shape: [4], kind: 'bias' });
 * generator.fill(new Uint16Array(4)); // four bf16 values in (-0.02, 0.02)
 */
export class WeightGenerator {
  /** State of the sequence: save it to draw the same values again. Never 0, which xorshift would keep. */
  state: number;
  /** [65536] bf16: values of the selected tensor in rising order. */
  readonly #table = new Uint16Array(TABLE_SIZE);

  constructor(seed: number) {
    this.state = (seed * SEED_MULTIPLIER) >>> 0 || 1;
  }

  /** Chooses the distribution of the next values. */
  select(tensor: SyntheticTensor): void {
    const centre = tensor.kind === 'norm' ? 1 : 0;
    const halfWidth = halfWidthOf(tensor);
    for (let i = 0; i < TABLE_SIZE; i++) {
      this.#table[i] = narrowToBf16(f32Bits(centre + halfWidth * ((2 * (i + 0.5)) / TABLE_SIZE - 1)));
    }
  }

  /** Writes the next values. A tensor may be filled in pieces. */
  fill(values: Uint16Array): void {
    const table = this.#table;
    let state = this.state;
    for (let i = 0; i < values.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      values[i] = table[(state >>> 8) & 0xffff]!;
    }
    this.state = state;
  }
}

/**
 * Half the width of a tensor's uniform distribution. Matrices get variance 1/fan-in, so activations keep their size
 * through the layers; embeddings a standard deviation of 0.03, as trained ones have.
 */
function halfWidthOf({ kind, shape }: SyntheticTensor): number {
  switch (kind) {
    case 'weight':
      return Math.sqrt(3 / shape.slice(1).reduce((product, size) => product * size, 1));
    case 'embedding':
    case 'head':
      return 0.03 * Math.sqrt(3);
    case 'bias':
      return 0.02;
    case 'norm':
      return 0.1;
  }
}
