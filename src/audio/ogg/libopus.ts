import type { OpusDecoder } from 'opus-decoder';
import { QwenAsrError } from '../../error.js';
import { fromOptionalPackage } from '../optionalPackage.js';
import type { OggPacketDecoder } from './oggCodec.js';
import type { OpusHead } from './opusHead.js';

const PACKAGE = { name: 'opus-decoder', purpose: 'Ogg Opus' };

/** Decodes Opus packets with libopus, compiled to WebAssembly by the package opus-decoder. */
export class Libopus implements OggPacketDecoder {
  readonly #decoder: OpusDecoder;
  readonly #gain: number;
  readonly #label: string;

  private constructor(decoder: OpusDecoder, gain: number, label: string) {
    this.#decoder = decoder;
    this.#gain = gain;
    this.#label = label;
  }

  /** @throws QwenAsrError `unsupported` when the package is not installed. */
  static async create(head: OpusHead, label: string): Promise<Libopus> {
    const { channels, streamCount, coupledStreamCount, channelMappingTable, preSkip } = head;
    const decoder = await fromOptionalPackage(PACKAGE, label, async () => {
      const { OpusDecoder } = await import('opus-decoder');
      const layout = {
        channels,
        streamCount,
        coupledStreamCount,
        channelMappingTable: [...channelMappingTable],
      };
      const created = new OpusDecoder({ ...layout, preSkip });
      await created.ready;
      return created;
    });
    return new Libopus(decoder, head.gain, label);
  }

  /** Head and comments were read before. */
  header(): boolean {
    return true;
  }

  decode(packet: Uint8Array): Float32Array[] | undefined {
    const { channelData, samplesDecoded, errors } = this.#decodeQuietly(packet);
    if (errors.length > 0) return undefined;
    const channels = channelData.map((samples) => samples.subarray(0, samplesDecoded));
    if (this.#gain === 1) return channels;
    return channels.map((samples) => samples.map((value) => this.#gain * value));
  }

  /** The package tells the console of each damaged packet, as well as its caller, who notes it once. */
  #decodeQuietly(packet: Uint8Array) {
    const { error } = console;
    console.error = () => {};
    try {
      return this.#decoder.decodeFrame(packet);
    } catch (cause) {
      // A packet longer than any that is valid does not fit the decoder's buffer.
      if (cause instanceof RangeError) return { channelData: [], samplesDecoded: 0, errors: [cause] };
      throw new QwenAsrError('audio', `${this.#label}: the Opus decoder failed: ${String(cause)}`, { cause });
    } finally {
      console.error = error;
    }
  }
}
