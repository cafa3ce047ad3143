import { QwenAsrError } from '../../error.js';
import { MAX_RATE_HZ, MIN_RATE_HZ } from '../resample.js';
import { Libvorbis } from './libvorbis.js';
import type { OggCodec } from './oggCodec.js';

/** Vorbis I specification §4.2.2: kind of packet, "vorbis", version, channels, rate. */
const MARK = [1, 0x76, 0x6f, 0x72, 0x62, 0x69, 0x73];
const HEAD_BYTES = 30;
const RATE_OFFSET = 12;
/** A comment packet (§5.2.1) with no vendor, no comments, and the framing bit. */
const EMPTY_COMMENTS = Uint8Array.of(3, ...MARK.slice(1), 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** Ogg Vorbis, any rate from 1 kHz and any number of channels. */
export const vorbisCodec: OggCodec = {
  name: 'Ogg Vorbis',
  headerCount: 3,
  emptyComments: EMPTY_COMMENTS,
  readHead(packet, label) {
    if (packet.length < HEAD_BYTES || MARK.some((byte, i) => packet[i] !== byte)) return undefined;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const sampleRateHz = view.getUint32(RATE_OFFSET, true);
    if (sampleRateHz < MIN_RATE_HZ || sampleRateHz > MAX_RATE_HZ) {
      const expected = `expected a sample rate of ${MIN_RATE_HZ} to ${MAX_RATE_HZ} Hz`;
      throw new QwenAsrError('audio', `${label}: ${expected}, found ${sampleRateHz}`);
    }
    return { sampleRateHz, preSkipSamples: 0 };
  },
  createDecoder: (_, label) => Libvorbis.create(label),
};
