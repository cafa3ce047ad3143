import { QwenAsrError } from '../../error.js';
import { Libopus } from './libopus.js';
import type { OggCodec } from './oggCodec.js';
import { readOpusHead } from './opusHead.js';

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
