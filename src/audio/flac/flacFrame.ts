import type { MixMeter } from '../mixMeter.js';
import { FlacBits, flacFrameChecksum } from './flacBits.js';
import type { Decorrelation, FlacFrameHeader } from './flacHeaders.js';

/** A decoded frame; or that it goes on past the bytes; or that it is damaged. */
export type FlacFrame = { readonly mono: Float32Array; readonly frameBytes: number } | 'short' | 'damaged';

/** Decodes frames to mono. */
export class FlacFrameDecoder {
  readonly #meter: MixMeter;
  /** [most channels so far][the longest block so far] f64. */
  #channels: readonly Float64Array[] = [];

  constructor(meter: MixMeter) {
    this.#meter = meter;
  }

  /** Decodes the frame that begins the bytes; `mono` is the mean of the channels, full scale = 1. */
  decode(bytes: Uint8Array, header: FlacFrameHeader): FlacFrame {
    const { bitsPerSample, decorrelation, headerBytes } = header;
    const bits = new FlacBits(bytes, headerBytes);
    const channels = this.#spaceFor(header);
    for (const [index, samples] of channels.entries()) {
      const width = bitsPerSample + (isDifference(index, decorrelation) ? 1 : 0);
      const intact = readFlacSubframe(bits, samples, width);
      if (bits.exhausted) return 'short';
      if (!intact) return 'damaged';
    }
    const end = bits.alignToByte();
    if (end + 2 > bytes.length) return 'short';
    const checksum = bytes[end]! * 256 + bytes[end + 1]!;
    if (checksum !== flacFrameChecksum(bytes, 0, end)) return 'damaged';
    return { mono: this.#mix(channels, header), frameBytes: end + 2 };
  }

  #spaceFor({ channels, blockSamples }: FlacFrameHeader): readonly Float64Array[] {
    const [first] = this.#channels;
    if (this.#channels.length < channels || (first?.length ?? 0) < blockSamples) {
      const length = Math.max(blockSamples, first?.length ?? 0);
      this.#channels = Array.from({ length: channels }, () => new Float64Array(length));
    }
    return this.#channels.slice(0, channels).map((all) => all.subarray(0, blockSamples));
  }

  /** The mean of the channels. */
  #mix(
    channels: readonly Float64Array[],
    { decorrelation, bitsPerSample, sampleRateHz }: FlacFrameHeader,
  ): Float32Array {
    const scale = 2 ** (bitsPerSample - 1);
    const [first, second] = [channels[0]!, channels[1]];
    const mono = new Float32Array(first.length);
    let squares = 0;
    for (let i = 0; i < mono.length; i++) {
      let sum: number;
      if (second === undefined) sum = first[i]!;
      else if (decorrelation === 'none') {
        sum = 0;
        for (const samples of channels) {
          sum += samples[i]!;
          squares += samples[i]! * samples[i]!;
        }
      } else {
        sum = pairSum(first[i]!, second[i]!, decorrelation);
        const difference = decorrelation === 'sideRight' ? first[i]! : second[i]!;
        squares += (sum * sum + difference * difference) / 2; // that of a + b and a - b is twice that of a and b
      }
      mono[i] = sum / scale / channels.length;
    }
    this.#meter.compare(mono, squares / scale ** 2, channels.length, sampleRateHz);
    return mono;
  }
}

function isDifference(index: number, decorrelation: Decorrelation): boolean {
  return decorrelation === 'sideRight' ? index === 0 : decorrelation !== 'none' && index === 1;
}

/** Left + right. In midSide the half that halving the sum lost is the parity of the difference. */
function pairSum(first: number, second: number, decorrelation: Decorrelation): number {
  switch (decorrelation) {
    case 'leftSide':
      return 2 * first - second;
    case 'sideRight':
      return first + 2 * second;
    default:
      return 2 * first + Math.abs(second % 2);
  }
}

/** Codes of the kinds of subframes (RFC 9639 §9.2.1); 8 to 12 are fixed predictors, 32 to 63 linear ones. */
const CONSTANT = 0;
const VERBATIM = 1;
const FIXED = 8;
const MAX_FIXED_ORDER = 4;
const LINEAR = 32;

/** The fixed predictors' coefficients by order, newest sample first: those of repeated differences. */
const FIXED_COEFFICIENTS = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

/** Bits of a Rice parameter by coding method; the largest parameter says that the numbers are written plainly. */
const PARAMETER_BITS = [4, 5];

/**
 * Decodes one channel of a frame (RFC 9639 §9.2).
 *
 * Sums are made in f64, exactly: at most 32 products of a 15-bit coefficient and a 33-bit sample, below 2^53.
 *
 * @param samples [n] f64; takes the samples, whole numbers.
 * @param bitsPerSample of this channel: one more for a difference of channels, at most 33.
 * @returns false for a reserved value or a prediction out of range: the frame is damaged.
 */
function readFlacSubframe(bits: FlacBits, samples: Float64Array, bitsPerSample: number): boolean {
  if (bits.unsigned(1) !== 0) return false;
  const kind = bits.unsigned(6);
  const wasted = bits.unsigned(1) === 0 ? 0 : bits.unary() + 1;
  const width = bitsPerSample - wasted;
  if (width < 1) return false;
  if (!readKind(bits, kind, samples, width)) return false;
  if (wasted > 0) for (let i = 0; i < samples.length; i++) samples[i]! *= 2 ** wasted;
  return true;
}

function readKind(bits: FlacBits, kind: number, samples: Float64Array, width: number): boolean {
  if (kind === CONSTANT) {
    samples.fill(bits.signed(width));
    return true;
  }
  if (kind === VERBATIM) {
    for (let i = 0; i < samples.length; i++) samples[i] = bits.signed(width);
    return true;
  }
  if (kind >= FIXED && kind <= FIXED + MAX_FIXED_ORDER) return readFixed(bits, kind - FIXED, samples, width);
  return kind >= LINEAR && readLinear(bits, kind - LINEAR + 1, samples, width);
}

function readFixed(bits: FlacBits, order: number, samples: Float64Array, width: number): boolean {
  if (!readWarmUp(bits, order, samples, width) || !readResidual(bits, order, samples)) return false;
  return predict(samples, Float64Array.from(FIXED_COEFFICIENTS[order]!), 0, width);
}

function readLinear(bits: FlacBits, order: number, samples: Float64Array, width: number): boolean {
  if (!readWarmUp(bits, order, samples, width)) return false;
  const precision = bits.unsigned(4) + 1;
  const shift = bits.signed(5);
  if (precision === 16 || shift < 0) return false; // reserved
  const coefficients = Float64Array.from({ length: order }, () => bits.signed(precision));
  return readResidual(bits, order, samples) && predict(samples, coefficients, shift, width);
}

/** The first samples, on which the prediction of the others rests. */
function readWarmUp(bits: FlacBits, order: number, samples: Float64Array, width: number): boolean {
  if (order > samples.length) return false;
  for (let i = 0; i < order; i++) samples[i] = bits.signed(width);
  return true;
}

/** What the prediction was off by, for the samples from `order` on (RFC 9639 §9.2.7). */
function readResidual(bits: FlacBits, order: number, samples: Float64Array): boolean {
  const parameterBits = PARAMETER_BITS[bits.unsigned(2)];
  if (parameterBits === undefined) return false;
  const partitionOrder = bits.unsigned(4);
  const partitionSamples = samples.length >> partitionOrder;
  if (partitionSamples << partitionOrder !== samples.length || partitionSamples < order) return false;
  for (let start = order, end = partitionSamples; end <= samples.length; end += partitionSamples) {
    readPartition(bits, parameterBits, samples, start, end);
    if (bits.exhausted) return true; // the caller finds the frame cut short
    start = end;
  }
  return true;
}

function readPartition(
  bits: FlacBits,
  parameterBits: number,
  y: Float64Array,
  start: number,
  end: number,
): void {
  const parameter = bits.unsigned(parameterBits);
  if (parameter === 2 ** parameterBits - 1) {
    const width = bits.unsigned(5);
    for (let i = start; i < end; i++) y[i] = bits.signed(width);
  } else {
    for (let i = start; i < end; i++) y[i] = bits.rice(parameter);
  }
}

/** Adds to each sample from `coefficients.length` on what those before it predict: ⌊Σ c[k]·x[i−1−k] / 2^shift⌋. */
function predict(x: Float64Array, coefficients: Float64Array, shift: number, width: number): boolean {
  const order = coefficients.length;
  const scale = 2 ** -shift;
  const limit = 2 ** (width - 1);
  let largest = 0;
  for (let i = order; i < x.length; i++) {
    let sum = 0;
    for (let k = 0; k < order; k++) sum += coefficients[k]! * x[i - 1 - k]!;
    const value = x[i]! + Math.floor(sum * scale);
    x[i] = value;
    largest = Math.max(largest, Math.abs(value));
    if (largest > limit) return false; // no encoder writes it, and it would grow without bound
  }
  return true;
}
