import { badField } from '../apiError.js';

/** How a client sends sound. */
export interface RealtimeAudioFormat {
  readonly type: 'audio/pcm' | 'audio/pcmu' | 'audio/pcma';
  readonly rateHz: number;
}

/** What a session begins with. */
export const DEFAULT_AUDIO_FORMAT: RealtimeAudioFormat = { type: 'audio/pcm', rateHz: 24_000 };

/** Telephony, ITU-T G.711: 8 bits a sample, 8000 a second. */
const G711_RATE_HZ = 8000;

/** @throws ApiError 400 for a format that is none of the API's */
export function readAudioFormat(given: unknown, param: string): RealtimeAudioFormat {
  const { type, rate } = (typeof given === 'object' && given !== null ? given : {}) as Record<
    string,
    unknown
  >;
  if (type === 'audio/pcmu' || type === 'audio/pcma') return { type, rateHz: G711_RATE_HZ };
  if (type === 'audio/pcm') {
    if ((rate ?? 24_000) === 24_000) return DEFAULT_AUDIO_FORMAT;
    throw badField(`${param}.rate`, 'expected 24000');
  }
  throw badField(`${param}.type`, 'expected audio/pcm, audio/pcmu or audio/pcma');
}

/** [n] f32 in [-1, 1] of what came as bytes; an odd byte at the end of PCM is left out. */
export function samplesOf(bytes: Buffer, { type }: RealtimeAudioFormat): Float32Array {
  if (type === 'audio/pcm') {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Float32Array.from(
      { length: Math.floor(bytes.length / 2) },
      (_, i) => view.getInt16(2 * i, true) / 32_768,
    );
  }
  const table = type === 'audio/pcmu' ? MU_LAW : A_LAW;
  return Float32Array.from(bytes, (byte) => table[byte]!);
}

/** µ-law: the complement holds a sign, 3 bits of exponent and 4 of mantissa; 33 keeps the steps regular (G.711 table 2a). */
const MU_LAW = Float32Array.from({ length: 256 }, (_, code) => {
  const byte = ~code & 0xff;
  const magnitude = (((byte & 15) * 2 + 33) << ((byte >> 4) & 7)) - 33;
  return ((byte & 0x80) === 0 ? magnitude : -magnitude) / 8192;
});

/** A-law: even bits inverted, a sign (1: positive), 3 bits of exponent and 4 of mantissa (G.711 table 1a). */
const A_LAW = Float32Array.from({ length: 256 }, (_, code) => {
  const byte = code ^ 0x55;
  const exponent = (byte >> 4) & 7;
  const mantissa = (byte & 15) * 2 + 1;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 32) << (exponent - 1);
  return ((byte & 0x80) === 0 ? -magnitude : magnitude) / 4096;
});
