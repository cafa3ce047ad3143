import { FlacBits } from './flacBits.js';
import { flacFrameChecksum } from './flacChecksums.js';
import type { Decorrelation, FlacFrameHeader } from './flacFrameHeader.js';
import type { FlacStreamInfo } from './flacStreamInfo.js';
import { readFlacSubframe } from './flacSubframe.js';

/** A decoded frame; or that it goes on past the bytes; or that it is damaged. */
export type FlacFrame = { readonly mono: Float32Array; readonly frameBytes: number } | 'short' | 'damaged';

/** Decodes the frames of one stream to mono. */
export class FlacFrameDecoder {
  readonly #info: FlacStreamInfo;
  /** [channels][the longest block so far] f64. */
  #channels: readonly Float64Array[] = [];

  constructor(info: FlacStreamInfo) {
    this.#info = info;
  }

  /** Decodes the frame that begins the bytes; `mono` is the mean of the channels, full scale = 1. */
  decode(bytes: Uint8Array, header: FlacFrameHeader): FlacFrame {
    const { blockSamples, decorrelation, headerBytes } = header;
    const bits = new FlacBits(bytes, headerBytes);
    const channels = this.#spaceFor(blockSamples);
    for (const [index, samples] of channels.entries()) {
      const width = this.#info.bitsPerSample + (isDifference(index, decorrelation) ? 1 : 0);
      const intact = readFlacSubframe(bits, samples, width);
      if (bits.exhausted) return 'short';
      if (!intact) return 'damaged';
    }
    const end = bits.alignToByte();
    if (end + 2 > bytes.length) return 'short';
    const checksum = bytes[end]! * 256 + bytes[end + 1]!;
    if (checksum !== flacFrameChecksum(bytes, 0, end)) return 'damaged';
    return { mono: this.#mix(channels, decorrelation), frameBytes: end + 2 };
  }

  #spaceFor(blockSamples: number): readonly Float64Array[] {
    if ((this.#channels[0]?.length ?? 0) < blockSamples) {
      this.#channels = Array.from({ length: this.#info.channels }, () => new Float64Array(blockSamples));
    }
    return this.#channels.map((all) => all.subarray(0, blockSamples));
  }

  /** The mean of the channels. */
  #mix(channels: readonly Float64Array[], decorrelation: Decorrelation): Float32Array {
    const scale = 2 ** (this.#info.bitsPerSample - 1);
    const [first, second] = [channels[0]!, channels[1]];
    const mono = new Float32Array(first.length);
    for (let i = 0; i < mono.length; i++) {
      let sum: number;
      if (second === undefined) sum = first[i]!;
      else if (decorrelation === 'none') sum = sumOf(channels, i);
      else sum = pairSum(first[i]!, second[i]!, decorrelation);
      mono[i] = sum / scale / channels.length;
    }
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

function sumOf(channels: readonly Float64Array[], i: number): number {
  let sum = 0;
  for (const samples of channels) sum += samples[i]!;
  return sum;
}
