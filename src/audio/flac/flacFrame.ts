import type { MixMeter } from '../mixMeter.js';
import { FlacBits } from './flacBits.js';
import { flacFrameChecksum } from './flacChecksums.js';
import type { Decorrelation, FlacFrameHeader } from './flacFrameHeader.js';
import { readFlacSubframe } from './flacSubframe.js';

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
