import type { AudioDecoder } from '../audioDecoder.js';
import type { ByteReader } from '../byteReader.js';
import { type OggCodec, openOgg } from './oggDecoder.js';

/** RFC 7845 §5.1: "OpusHead", version, channels, samples to skip at the start. */
const MARK = [0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64];
const HEAD_BYTES = 19;
const PRE_SKIP_OFFSET = 10;
/** All counts are at this rate, whatever the rate of the recording was. */
const RATE_HZ = 48_000;

const OPUS: OggCodec = {
  name: 'Ogg Opus',
  wasm: 'ogv-decoder-audio-opus-wasm.wasm',
  importFactory: () => import('ogv/dist/ogv-decoder-audio-opus-wasm.js'),
  headerCount: 2,
  emptyComments: new Uint8Array(1),
  readHead(packet) {
    if (packet.length < HEAD_BYTES || MARK.some((byte, i) => packet[i] !== byte)) return undefined;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    return { sampleRateHz: RATE_HZ, preSkipSamples: view.getUint16(PRE_SKIP_OFFSET, true) };
  },
};

/**
 * Decodes Ogg Opus (RFC 7845) at 48 kHz, any number of channels.
 *
 * @throws QwenAsrError as openOgg.
 */
export function openOpus(reader: ByteReader, label: string): Promise<AudioDecoder> {
  return openOgg(OPUS, reader, label);
}
