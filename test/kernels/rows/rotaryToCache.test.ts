import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { rotaryToCache } from '../../../src/kernels/rows/rotaryToCache.js';
import { Random } from '../../support/random.js';
import { asOperand, type KernelTarget, runKernel, widen } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { type Approximate, errorInBounds, halfUlpOfBf16 } from '../support/productReference.js';

const EPSILON = 1e-6;

interface Size {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly dtype: 'f32' | 'bf16';
}

/** What a wrong kernel would do instead. */
interface Mistake {
  readonly name: string;
  readonly positionShift?: number;
  readonly epsilon?: number;
  readonly normShift?: number;
  readonly rotation?: 'none' | 'backwards' | 'interleaved';
}

const mistakes: readonly Mistake[] = [
  { name: 'positions are off by one', positionShift: 1 },
  { name: 'epsilon is missing', epsilon: 0 },
  { name: 'the norm is off by one', normShift: 1 },
  { name: 'nothing is rotated', rotation: 'none' },
  { name: 'it rotates backwards', rotation: 'backwards' },
  { name: 'neighbours are rotated, not halves', rotation: 'interleaved' },
];

/** Rows of three sequences in no order, as a step of several sequences has them. */
const SEQUENCES = 3;
const CAPACITY = 12;
type Places = readonly (readonly [sequence: number, position: number])[];
const rowPlaces: Places = [
  [1, 0],
  [0, 7],
  [2, 11],
  [0, 3],
];

/** Places outside of the cache to which `rowPlaces` are the nearest. */
const outside: Places = [
  [1, -1],
  [-(2 ** 31), 7],
  [SEQUENCES, 2 ** 31 - 1],
  [-5, 3],
];

class RotaryRun {
  private readonly size: Size;
  private readonly lanes: number;
  private readonly q: Float32Array; // [rows, heads·headDim], and so on as in rotaryToCache.ts
  private readonly k: Float32Array;
  private readonly v: Float32Array;
  private readonly qNorm: Float32Array;
  private readonly kNorm: Float32Array;
  private readonly cos: Float32Array;
  private readonly sin: Float32Array;
  private readonly y: Float32Array | Uint16Array;
  private readonly keys: Float32Array | Uint16Array;
  private readonly values: Float32Array | Uint16Array;

  constructor(target: KernelTarget, size: Size, seed: number, places = rowPlaces) {
    const { heads, kvHeads, headDim, dtype } = size;
    const random = new Random(seed);
    const rows = rowPlaces.length;
    // Row 0 is small enough for epsilon to matter.
    const activations = (width: number): Float32Array =>
      random.floats(rows * width, 3).map((value, i) => (i < width ? value * 1e-3 : value));
    this.size = size;
    this.lanes = target.capabilities.lanes;
    this.q = activations(heads * headDim);
    this.k = activations(kvHeads * headDim);
    this.v = random.floats(rows * kvHeads * headDim);
    this.qNorm = random.floats(headDim, 2);
    this.kNorm = random.floats(headDim, 2);
    const angles = random.floats((CAPACITY * headDim) / 2, Math.PI);
    this.cos = angles.map(Math.cos);
    this.sin = angles.map(Math.sin);
    this.y = asOperand(dtype, new Float32Array(this.q.length));
    const cells = SEQUENCES * kvHeads * CAPACITY * headDim;
    this.keys = asOperand(dtype, new Float32Array(cells).fill(UNTOUCHED));
    this.values = asOperand(dtype, new Float32Array(cells).fill(UNTOUCHED));
    this.run(target, places);
  }

  private run(target: KernelTarget, places: Places): void {
    const spec = rotaryToCache({ ...this.size, capacity: CAPACITY, epsilon: EPSILON });
    const { q, k, v, qNorm, kNorm, cos, sin, y, keys, values } = this;
    const sequences = Int32Array.from(places, ([sequence]) => sequence);
    const positions = Int32Array.from(places, ([, position]) => position);
    const arrays = { q, k, v, qNorm, kNorm, cos, sin, positions, sequences, y, keys, values };
    const last = { lastPosition: CAPACITY - 1, lastSequence: SEQUENCES - 1 };
    runKernel(target, spec, { ...arrays, ...last }, { order: [2, 0, 3, 1] });
  }

  check(where: string): void {
    const error = this.error({ name: 'no mistake' });
    assert.ok(error <= 1, `${where}: ${error.toFixed(2)} times the bound`);
    for (const mistake of mistakes)
      assert.ok(this.error(mistake) > 1, `${where}: within the bound although ${mistake.name}`);
    this.checkCache(where);
  }

  /** The largest error of y and of the keys, in units of the stated bound. */
  private error(mistake: Mistake): number {
    const { heads, kvHeads, headDim } = this.size;
    const [y, keys] = [widen(this.y), widen(this.keys)];
    let worst = 0;
    rowPlaces.forEach(([sequence, position], row) => {
      for (let head = 0; head < heads; head++) {
        const at = (row * heads + head) * headDim;
        const expected = this.rotated(this.q.subarray(at, at + headDim), this.qNorm, position, mistake);
        worst = Math.max(worst, this.difference(y.subarray(at, at + headDim), expected));
      }
      for (let head = 0; head < kvHeads; head++) {
        const from = (row * kvHeads + head) * headDim;
        const at = this.cell(sequence, head, position);
        const expected = this.rotated(this.k.subarray(from, from + headDim), this.kNorm, position, mistake);
        worst = Math.max(worst, this.difference(keys.subarray(at, at + headDim), expected));
      }
    });
    return worst;
  }

  private difference(found: Float32Array, expected: readonly Approximate[]): number {
    return expected.reduce((worst, { value, tolerance }, i) => {
      const rounding = this.size.dtype === 'bf16' ? halfUlpOfBf16(value) : 0;
      return Math.max(worst, errorInBounds(found[i]!, { value, tolerance: tolerance + rounding }));
    }, 0);
  }

  /** Norm and rotation of one head in f64. */
  private rotated(x: Float32Array, norm: Float32Array, position: number, mistake: Mistake): Approximate[] {
    const { headDim } = this.size;
    const half = headDim / 2;
    const squares = x.reduce((sum, value) => sum + value * value, 0);
    const scale = 1 / Math.sqrt(squares / headDim + (mistake.epsilon ?? EPSILON));
    const normed = Array.from(
      x,
      (value, d) => value * scale * norm[(d + (mistake.normShift ?? 0)) % headDim]!,
    );
    const row = (position + (mistake.positionShift ?? 0)) % CAPACITY;
    return normed.map((value, d) => {
      const partner = mistake.rotation === 'interleaved' ? d ^ 1 : (d + half) % headDim;
      const isFirst = mistake.rotation === 'interleaved' ? d % 2 === 0 : d < half;
      const angle = row * half + (mistake.rotation === 'interleaved' ? d >> 1 : d % half);
      const sign = (isFirst ? -1 : 1) * (mistake.rotation === 'backwards' ? -1 : 1);
      const other = normed[partner]!;
      const turned = value * this.cos[angle]! + sign * other * this.sin[angle]!;
      const magnitude = Math.abs(value) + Math.abs(other);
      const tolerance = (headDim / this.lanes + 16) * 2 ** -24 * magnitude;
      return { value: mistake.rotation === 'none' ? value : turned, tolerance };
    });
  }

  /** Values are copied, and no other cell of the cache is touched. */
  private checkCache(where: string): void {
    const { kvHeads, headDim, dtype } = this.size;
    const expected = asOperand(dtype, new Float32Array(this.values.length).fill(UNTOUCHED));
    const written = new Set<number>();
    rowPlaces.forEach(([sequence, position], row) => {
      for (let head = 0; head < kvHeads; head++) {
        const from = (row * kvHeads + head) * headDim;
        const cell = this.cell(sequence, head, position);
        expected.set(asOperand(dtype, this.v.slice(from, from + headDim)), cell);
        for (let d = 0; d < headDim; d++) written.add(cell + d);
      }
    });
    assert.deepEqual(this.values, expected, `${where}: values`);
    const keys = widen(this.keys);
    assert.ok(
      keys.every((value, i) => written.has(i) || value === UNTOUCHED),
      `${where}: a key was written where none belongs`,
    );
  }

  /** First element of a head at a position: caches are [sequences, kvHeads, capacity, headDim]. */
  private cell(sequence: number, head: number, position: number): number {
    const { kvHeads, headDim } = this.size;
    return ((sequence * kvHeads + head) * CAPACITY + position) * headDim;
  }
}

/** Exact in bf16, and no value of the test. */
const UNTOUCHED = 96;

describe('rotaryToCache', async () => {
  for (const target of await kernelTargets()) {
    const sizes = [
      ...(target.isSlow ? [] : MODEL_SHAPES.map(({ decoder }) => decoder)),
      { heads: 2, kvHeads: 1, headDim: 32 },
      ...(target.isSlow ? [] : [{ heads: 3, kvHeads: 3, headDim: 96 }]),
    ];
    for (const dtype of ['f32', 'bf16'] as const) {
      test(`stays within its bound: ${dtype} on ${target.name}`, { skip: target.missing }, () => {
        sizes.forEach(({ heads, kvHeads, headDim }, seed) => {
          const run = new RotaryRun(target, { heads, kvHeads, headDim, dtype }, seed);
          run.check(`${heads}/${kvHeads}×${headDim} ${dtype} on ${target.name}`);
        });
      });
      test(`stays inside the cache and its tables: ${dtype} on ${target.name}`, {
        skip: target.missing,
      }, () => {
        const run = new RotaryRun(target, { heads: 2, kvHeads: 1, headDim: 32, dtype }, 7, outside);
        run.check(`${dtype} on ${target.name}`);
      });
    }
  }
});
