import { normalQuantile } from './distributions.js';

/** A stream of pseudo-random numbers that a seed repeats exactly, on every machine. */
export interface Random {
  /** The next 32 bits, 0 … 2³² − 1. */
  uint32(): number;
  /** Uniform in the open interval (0, 1): (u + ½) / 2³², so neither end can occur. */
  uniform(): number;
  /** Uniform in 0 … bound − 1. The bias is below bound / 2³², nothing for the sample sizes of a benchmark. */
  integer(bound: number): number;
  /** Normal with mean 0 and standard deviation 1, by inversion. */
  normal(): number;
}

/**
 * The generator xoshiro128** 1.1 (Blackman and Vigna 2018): 128 bits of state, period 2¹²⁸ − 1, only 32-bit
 * integer operations. It serves simulation and resampling, not secrets.
 *
 * @param seed any number; its lower 53 bits count. The state is filled by SplitMix32 (the 32-bit finaliser of
 *   MurmurHash3 over a Weyl sequence, Steele et al. 2014), as its authors advise, so near seeds give unrelated
 *   streams.
 * @example
 * const random = createRandom(1);
 * const die = 1 + random.integer(6);
 */
export function createRandom(seed: number): Random {
  const fill = splitMix32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0);
  return xoshiro128StarStar([fill(), fill(), fill(), fill()]);
}

/** The generator itself, from a state of four words that are not all zero. */
export function xoshiro128StarStar(state: readonly [number, number, number, number]): Random {
  let [s0, s1, s2, s3] = state;
  const uint32 = (): number => {
    const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotateLeft(s3, 11);
    return scrambled;
  };
  const uniform = (): number => (uint32() + 0.5) / 2 ** 32;
  return {
    uint32,
    uniform,
    integer: (bound) => Math.floor((uint32() * bound) / 2 ** 32),
    normal: () => normalQuantile(uniform()),
  };
}

function splitMix32(low: number, high: number): () => number {
  let counter = low ^ mix(high);
  return () => {
    counter = (counter + 0x9e3779b9) | 0; // 2³² divided by the golden ratio, the Weyl increment
    return mix(counter) >>> 0;
  };
}

/** MurmurHash3's 32-bit finaliser (Appleby 2011): every input bit reaches every output bit. */
function mix(word: number): number {
  let bits = word;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

function rotateLeft(word: number, count: number): number {
  return (word << count) | (word >>> (32 - count));
}
