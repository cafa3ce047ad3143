import { bf16Value, f16Value, f32Bits, narrowToBf16 } from '../../../src/jit/numberFormats.js';
import type { AffineBlocks, QuantizedRows } from '../../../src/kernels/matrix/formats/affineBlocks.js';
import type { Random } from '../../support/random.js';
import type { Approximate } from './productReference.js';

/** A column of a product as numbers: w[k] = scales[k/group]·q[k] + biases[k/group]. */
export interface AffineColumn {
  /** [depth] */
  readonly q: Uint8Array;
  /** [depth / groupSize] f32, values of the scales' type. */
  readonly scales: Float32Array;
  readonly biases: Float32Array;
  /** [depth / groupSize], where values are centred. */
  readonly sums: readonly number[] | null;
}

/** A weight [n, depth] in memory, and each of its columns as numbers. */
export interface RandomBlocks {
  readonly bytes: Uint8Array;
  column(index: number): AffineColumn;
}

/** Quantised rows as numbers: a[m, k] = scales[m, k/group]·q[m, k]. */
export interface RowNumbers {
  readonly m: number;
  readonly depth: number;
  readonly q: Int16Array;
  readonly scales: Float32Array;
  /** With 7 bits: what is added to q of each group so that it is in 0 … 127. */
  readonly zeros: Int16Array;
}

/** A prime, so that no two columns start at the same place of the pattern. */
const PERIOD = 65521;

/** Random values as weights have them: biases opposite to the middle of the values, scales of either sign. */
export function randomBlocks(random: Random, blocks: AffineBlocks, n: number, depth: number): RandomBlocks {
  const { bits, scales: type, scaleBytes, groupBytes, valueBytes } = blocks;
  const most = 2 ** bits - 1;
  const bytes = new Uint8Array(blocks.byteLength(n, depth));
  const pattern = Uint8Array.from({ length: Math.min(PERIOD, bytes.length) }, (_, i) => {
    return i % 97 === 0 ? 255 : random.integer(0, 255);
  });
  bytes.set(pattern);
  for (let done = pattern.length; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, done);
  const view = new DataView(bytes.buffer);
  const size = 3 / Math.sqrt(depth) / most;
  for (let group = 0; group < bytes.length / groupBytes; group++) {
    for (let column = 0; column < 16; column++) {
      const at = group * groupBytes + valueBytes + column * scaleBytes;
      const sign = random.integer(0, 1) === 0 ? -1 : 1;
      const scale = sign * size * (1 + random.uniform());
      writeScale(view, at, type, scale);
      writeScale(view, at + 16 * scaleBytes, type, -scale * most * (0.3 + 0.4 * random.uniform()));
    }
  }
  if (blocks.hasSums) writeSums(blocks, view);
  return { bytes, column: (index) => columnByDefinition(blocks, bytes, depth, index) };
}

/** The sum of each column's q in each group, at its place. */
function writeSums({ groupSize, groupBytes, sumOffset }: AffineBlocks, view: DataView): void {
  for (let start = 0; start < view.byteLength; start += groupBytes) {
    for (let column = 0; column < 16; column++) {
      let sum = 0;
      for (let k = 0; k < groupSize; k++) {
        sum += view.getInt8(start + (Math.floor(k / 4) * 16 + column) * 4 + (k % 4)) + 128;
      }
      view.setUint16(start + sumOffset + 2 * column, sum, true);
    }
  }
}

/** The numbers of a column, by the definition of the format: every value is looked for where its indices say. */
export function columnByDefinition(
  blocks: AffineBlocks,
  bytes: Uint8Array,
  depth: number,
  column: number,
): AffineColumn {
  const { bits, groupSize, scales: type, scaleBytes, groupBytes } = blocks;
  const groups = depth / groupSize;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const start = (group: number): number => (Math.floor(column / 16) * groups + group) * groupBytes;
  const ofColumn = (behind: number): Float32Array =>
    Float32Array.from({ length: groups }, (_, group) => {
      const place = start(group) + (groupSize * 16 * bits) / 8 + (behind + (column % 16)) * scaleBytes;
      return readScale(view, place, type);
    });
  const q = Uint8Array.from({ length: depth }, (_, k) => {
    const inGroup = k % groupSize;
    const step = Math.floor(inGroup / 4);
    const line = bits === 8 ? step : Math.floor(step / 2);
    const byte = bytes[start(Math.floor(k / groupSize)) + (line * 16 + (column % 16)) * 4 + (inGroup % 4)]!;
    if (bits === 8) return blocks.isCentred ? byte ^ 128 : byte;
    return step % 2 === 0 ? byte & 15 : byte >> 4;
  });
  const sumOf = (_: unknown, group: number): number =>
    view.getUint16(start(group) + blocks.sumOffset + 2 * (column % 16), true);
  const sums = blocks.hasSums ? Array.from({ length: groups }, sumOf) : null;
  return { q, scales: ofColumn(0), biases: ofColumn(16), sums };
}

function readScale(view: DataView, at: number, type: AffineBlocks['scales']): number {
  if (type === 'f32') return view.getFloat32(at, true);
  const bits = view.getUint16(at, true);
  return type === 'bf16' ? bf16Value(bits) : f16Value(bits);
}

/**
 * A column's weights in bf16: w = scale·q + bias in f32, then the nearest, of two that are as near the larger in size. The
 * product is exact in f64, and its sum with the bias, whose exponents are close.
 */
export function roundedColumn(
  { q, scales, biases }: AffineColumn,
  { groupSize }: Pick<AffineBlocks, 'groupSize'>,
): Float32Array {
  const weights = Float32Array.from(q, (value, k) => {
    const group = Math.floor(k / groupSize);
    return scales[group]! * value + biases[group]!;
  });
  return Float32Array.from(new Uint32Array(weights.buffer), (bits) => bf16Value((bits + 0x8000) >>> 16));
}

export function randomRows(
  random: Random,
  { bits, groupSize, most }: QuantizedRows,
  m: number,
  depth: number,
): RowNumbers {
  const zeros = Int16Array.from({ length: (m * depth) / groupSize }, () => random.integer(0, 127));
  const q = Int16Array.from({ length: m * depth }, (_, i) => {
    const zero = zeros[Math.floor(i / groupSize)]!;
    const [low, high] = bits === 7 ? [-zero, 127 - zero] : [-most, most];
    return i % 61 === 0 ? low : i % 53 === 0 ? high : random.integer(low, high);
  });
  const scales = Float32Array.from(
    { length: (m * depth) / groupSize },
    () => (0.5 + random.uniform()) / most,
  );
  return { m, depth, q, scales, zeros };
}

/** Bits of the nearest f16 at or below in size, of a normal number. */
function f16Bits(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  if (exponent < -14) return sign | Math.floor(Math.abs(value) * 2 ** 24); // subnormal
  const fraction = Math.floor((Math.abs(value) / 2 ** exponent - 1) * 1024);
  return sign | ((exponent + 15) << 10) | fraction;
}

function writeScale(view: DataView, at: number, type: AffineBlocks['scales'], value: number): void {
  if (type === 'f32') view.setFloat32(at, value, true);
  else view.setUint16(at, type === 'bf16' ? narrowToBf16(f32Bits(value)) : f16Bits(value), true);
}

/** Rows in memory, and behind them NaN and wild values up to `storedRows`. */
export function rowBytes(format: QuantizedRows, rows: RowNumbers, storedRows: number): Uint8Array {
  const { groupSize, bits, valueBytes, groupBytes } = format;
  const bytes = new Uint8Array(storedRows * format.rowBytes(rows.depth)).fill(0xff);
  const view = new DataView(bytes.buffer);
  rows.scales.forEach((scale, group) => {
    const zero = rows.zeros[group]!;
    let sum = 0;
    for (let i = 0; i < groupSize; i++) {
      const value = rows.q[group * groupSize + i]!;
      sum += value;
      if (bits === 16) view.setInt16(group * groupBytes + 2 * i, value, true);
      else view.setInt8(group * groupBytes + i, bits === 7 ? value + zero : value);
    }
    const behind = group * groupBytes + valueBytes;
    view.setFloat32(behind, scale, true);
    view.setFloat32(behind + 4, scale * sum, true);
    if (bits < 8) {
      view.setInt32(behind + 8, 128 * (sum + zero * groupSize), true);
      view.setFloat32(behind + 12, -zero, true);
    }
  });
  return bytes;
}

/** Σ (scale·q + bias)·aScale·qa over a range of K, in f64, and the bound that `emitBlockProduct` states. */
export function exactProduct(
  { groupSize, centring }: AffineBlocks,
  rows: RowNumbers,
  column: AffineColumn,
  row: number,
  [from, to]: readonly [from: number, to: number],
): Approximate {
  const { depth } = rows;
  const groups = depth / groupSize;
  const centre = centring === 'values' ? 128 : 0;
  let value = 0;
  let magnitude = 0;
  for (let group = 0; group < groups; group++) {
    let products = 0;
    let sum = 0;
    for (let k = Math.max(from, group * groupSize); k < Math.min(to, (group + 1) * groupSize); k++) {
      const a = rows.q[row * depth + k]!;
      products += (column.q[k]! - centre) * a;
      sum += a;
    }
    const aScale = rows.scales[row * groups + group]!;
    const scale = column.scales[group]!;
    const first = scale * aScale * products;
    const second = (column.biases[group]! + centre * scale) * aScale * sum;
    value += first + second;
    magnitude += Math.abs(first) + Math.abs(second);
  }
  return { value, tolerance: (2 * groups + 6) * 2 ** -24 * magnitude };
}

/** Values of a stream of bits, lowest first, written as one long text of digits. */
export function bitsOf(packed: Uint8Array, bits: number): number[] {
  const text = [...packed].map((byte) => [...byte.toString(2).padStart(8, '0')].reverse().join('')).join('');
  return Array.from({ length: (8 * packed.length) / bits }, (_, i) =>
    Number.parseInt([...text.slice(bits * i, bits * (i + 1))].reverse().join(''), 2),
  );
}

/** What blocks with sums hold of each group. */
export function expectedSums({ hasSums, groupSize }: AffineBlocks, q: Uint8Array): number[] | null {
  if (!hasSums) return null;
  return Array.from({ length: q.length / groupSize }, (_, group) =>
    q.subarray(group * groupSize, (group + 1) * groupSize).reduce((sum, value) => sum + value, 0),
  );
}
