import { QwenAsrError } from '../error.js';
import type { AudioDecoder, AudioFormat } from './audioDecoder.js';
import { describeContent, HEAD_BYTES, nameContent, recogniseFormat } from './audioFormat.js';
import { ByteReader, type ByteSource } from './byteReader.js';
import { openFlac } from './flac/flacDecoder.js';
import { id3TagBytes } from './id3Tag.js';
import { openMp3 } from './mp3/mp3Decoder.js';
import { openOgg } from './ogg/oggDecoder.js';
import { openWav } from './wavDecoder.js';

/** For errors. */
export const DECODED_FORMATS = 'WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus';

/** A recording that can be decoded, or what its bytes seem to be instead. */
export type OpenedAudio =
  | {
      readonly format: Exclude<AudioFormat, 'ffmpeg'>;
      readonly decoder: AudioDecoder;
      close(): Promise<void>;
    }
  | { readonly format: null; readonly found: string };

/**
 * Recognises a recording by its content and reads its headers.
 *
 * @throws QwenAsrError `audio`, one line, when it is empty, or of a format that is decoded here but cannot be;
 * `unsupported` when the package for its format is not installed.
 */
export async function openDecoder(source: ByteSource): Promise<OpenedAudio> {
  const { label } = source;
  const reader = new ByteReader(source.pieces());
  const close = () => reader.close();
  try {
    const tagged = await skipTags(reader);
    await reader.fill(HEAD_BYTES);
    const head = reader.bytes.subarray(0, HEAD_BYTES);
    if (head.length === 0 && !tagged) {
      throw new QwenAsrError('audio', `${label}: expected ${DECODED_FORMATS}, found an empty file`);
    }
    // Behind an ID3 tag there is an MP3 file, even if nothing of it is left, unless it is known to be something else.
    const format = recogniseFormat(head) ?? (tagged && nameContent(head) === null ? 'mp3' : null);
    switch (format) {
      case 'wav': {
        const decoder = await openWav(reader, source, reader.position);
        if (!('foreign' in decoder)) return { format, close, decoder };
        await close();
        return { format: null, found: `WAV with ${decoder.foreign}` };
      }
      case 'mp3':
        return { format, close, decoder: await openMp3(reader, label) };
      case 'flac':
        return { format, close, decoder: await openFlac(reader, label) };
      case 'vorbis':
      case 'opus':
        return { format, close, decoder: await openOgg(reader, label) };
      case null:
        await close();
        return { format, found: describeContent(head) };
    }
  } catch (error) {
    await close();
    throw error;
  }
}

/** Skips the ID3 tags in front of the recording; returns whether there was one. */
async function skipTags(reader: ByteReader): Promise<boolean> {
  for (let tagged = false; ; tagged = true) {
    await reader.fill(10);
    const bytes = id3TagBytes(reader.bytes);
    if (bytes === 0) return tagged;
    await reader.discard(bytes);
  }
}
