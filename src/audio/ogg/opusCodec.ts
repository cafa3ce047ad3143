import type { OpusDecoder } from 'opus-decoder';
import { QwenAsrError } from '../../error.js';
import { fromOptionalPackage } from '../packageWasm.js';
import type { OggCodec, OggPacketDecoder } from './oggCodec.js';

/** All counts are at this rate, whatever the rate of the recording was. */
const RATE_HZ = 48_000;

/** Ogg Opus (RFC 7845), at 48 kHz, any number of channels. */
export const opusCodec: OggCodec = {
  name: 'Ogg Opus',
  headerCount: 2,
  emptyComments: new Uint8Array(0),
  readHead(packet) {
    const head = readOpusHead(packet);
    return head === undefined ? undefined : { sampleRateHz: RATE_HZ, preSkipSamples: head.preSkip };
  },
  createDecoder(firstPacket, label) {
    const head = readOpusHead(firstPacket);
    if (head !== undefined) return Libopus.create(head, label);
    throw new QwenAsrError('internal', `${label}: an Opus stream was chosen whose head is not valid`);
  },
};

const PACKAGE = { name: 'opus-decoder', purpose: 'Ogg Opus' };

/** Decodes Opus packets with libopus, compiled to WebAssembly by the package opus-decoder. */
class Libopus implements OggPacketDecoder {
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

/** The first packet of an Ogg Opus stream (RFC 7845 §5.1). */
interface OpusHead {
  readonly channels: number;
  /** Samples at 48 kHz that the decoder needs to settle. */
  readonly preSkip: number;
  /** What the samples are multiplied by. */
  readonly gain: number;
  /** Opus streams in a packet, and how many of them are stereo. */
  readonly streamCount: number;
  readonly coupledStreamCount: number;
  /** [channels] which of the streams' channels each is; 255: silence. */
  readonly channelMappingTable: readonly number[];
}

/** "OpusHead", and the only major version there is. */
const MARK = [0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64];
const VERSION_OFFSET = 8;
const MAX_VERSION = 15;
const CHANNELS_OFFSET = 9;
const PRE_SKIP_OFFSET = 10;
const GAIN_OFFSET = 16;
const FAMILY_OFFSET = 18;
/** Where the mapping is, in families other than 0: two counts and the table. */
const MAPPING_OFFSET = 19;
const TABLE_OFFSET = 21;
const SILENT = 255;

/** Reads the packet; undefined when it is none, or not valid. */
function readOpusHead(packet: Uint8Array): OpusHead | undefined {
  if (packet.length < MAPPING_OFFSET || MARK.some((byte, i) => packet[i] !== byte)) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const channels = view.getUint8(CHANNELS_OFFSET);
  if (channels === 0 || view.getUint8(VERSION_OFFSET) > MAX_VERSION) return undefined;
  const common = {
    channels,
    preSkip: view.getUint16(PRE_SKIP_OFFSET, true),
    gain: 10 ** (view.getInt16(GAIN_OFFSET, true) / 256 / 20), // dB in steps of 1/256
  };
  if (view.getUint8(FAMILY_OFFSET) === 0) {
    if (channels > 2) return undefined;
    const mapping = { streamCount: 1, coupledStreamCount: channels - 1 };
    return { ...common, ...mapping, channelMappingTable: channels === 1 ? [0] : [0, 1] };
  }
  if (packet.length < TABLE_OFFSET + channels) return undefined;
  const streamCount = view.getUint8(MAPPING_OFFSET);
  const coupledStreamCount = view.getUint8(MAPPING_OFFSET + 1);
  const channelMappingTable = [...packet.subarray(TABLE_OFFSET, TABLE_OFFSET + channels)];
  const decoded = streamCount + coupledStreamCount;
  if (streamCount === 0 || coupledStreamCount > streamCount || decoded > SILENT) return undefined;
  if (channelMappingTable.some((index) => index >= decoded && index !== SILENT)) return undefined;
  return { ...common, streamCount, coupledStreamCount, channelMappingTable };
}
