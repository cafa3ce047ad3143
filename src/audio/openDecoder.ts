import { QwenAsrError } from '../error.js';
import type { AudioDecoder, AudioFormat } from './audioClip.js';
import { ByteReader, type ByteSource } from './byteReader.js';
import { openFlac } from './flac/flacDecoder.js';
import { openMp3 } from './mp3/mp3Decoder.js';
import { countMp3Frames } from './mp3/mp3Frames.js';
import { openOgg } from './ogg/oggDecoder.js';
import { id3TagBytes } from './playerTag.js';
import { isRiffMark } from './riffChunk.js';
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

/** Bytes that are looked at: enough for the first pages of an Ogg file and for MP3 frames behind some junk. */
const HEAD_BYTES = 16_384;

/** How far an MP3 file may be in before its first frame, and the frames in a row that make it one. */
const MAX_MP3_JUNK = 4096;
const MP3_FRAMES = 3;

/** Offsets in the header of an Ogg page (RFC 3533 §6). */
const OGG_FLAGS = 5;
const OGG_SEGMENTS = 26;
const OGG_FIRST_PAGE = 2;

/**
 * Recognises a recording by its content, never by its name.
 *
 * @param head its first bytes, behind any ID3 tags: HEAD_BYTES of them, or all there are.
 * @returns null for anything that is not decoded here: other containers, Ogg with other codecs, or no audio at all.
 * @example
 * recogniseFormat(new TextEncoder().encode('fLaC\0')); // 'flac'
 */
export function recogniseFormat(head: Uint8Array): Exclude<AudioFormat, 'ffmpeg'> | null {
  if (isWav(head)) return 'wav';
  if (hasText(head, 0, 'fLaC')) return 'flac';
  if (hasText(head, 0, 'OggS')) return oggCodec(head);
  for (let at = 0; at < Math.min(head.length, MAX_MP3_JUNK); at++) {
    if (head[at] !== 0xff) continue;
    const { frames, endReached } = countMp3Frames(head, at, MP3_FRAMES);
    if (frames === MP3_FRAMES || (at === 0 && frames > 0 && endReached)) return 'mp3';
  }
  return null;
}

/** RIFF, RF64, BW64 or RIFX of type WAVE, or the beginning of one that was cut off. */
function isWav(head: Uint8Array): boolean {
  const isRiff = isRiffMark(String.fromCharCode(...head.subarray(0, 4)));
  return isRiff && (head.length < 12 || hasText(head, 8, 'WAVE'));
}

/** The codec of the first Vorbis or Opus stream among the pages that begin the streams of an Ogg file. */
function oggCodec(head: Uint8Array): 'vorbis' | 'opus' | null {
  for (let at = 0; at + OGG_SEGMENTS < head.length && hasText(head, at, 'OggS'); ) {
    if ((head[at + OGG_FLAGS]! & OGG_FIRST_PAGE) === 0) return null;
    const segments = head[at + OGG_SEGMENTS]!;
    const body = at + OGG_SEGMENTS + 1 + segments;
    if (hasText(head, body, '\u0001vorbis')) return 'vorbis';
    if (hasText(head, body, 'OpusHead')) return 'opus';
    at = head.subarray(body - segments, body).reduce((sum, bytes) => sum + bytes, body);
  }
  return null;
}

/** What the bytes seem to be, for errors: a format's name, or the first characters. */
export function describeContent(head: Uint8Array): string {
  if (head.length === 0) return 'an empty file';
  const start = Array.from(head.subarray(0, 4), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return nameContent(head) ?? `"${start.join('')}"`;
}

/** The name of a format that is not decoded here; null for none that is known. */
function nameContent(head: Uint8Array): string | null {
  if (head[0] === 0xff && (head[1]! & 0xe0) === 0xe0) return MPEG_LAYERS[(head[1]! >> 1) & 3] ?? null;
  return MAGIC.find(([at, text]) => hasText(head, at, text))?.[2] ?? null;
}

/** By the two layer bits behind the sync code; MPEG audio of layer III would have been recognised. */
const MPEG_LAYERS = ['AAC', null, 'MPEG audio layer II', 'MPEG audio layer I'];

/** Where a format's mark is, the mark, and the format's name. */
const MAGIC: readonly (readonly [at: number, text: string, name: string])[] = [
  [0, 'OggS', 'Ogg without Vorbis or Opus'],
  [4, 'ftyp', 'MP4'],
  [0, '\u001aE\u00df\u00a3', 'Matroska or WebM'],
  [0, 'FORM', 'AIFF'],
  [0, 'caff', 'CAF'],
  [0, '#!AMR', 'AMR'],
  [0, 'ADIF', 'AAC'],
  [0, '.snd', 'AU'],
  [0, '\u000bw', 'AC-3'],
  [0, '\u007f\u00fe\u0080\u0001', 'DTS'],
  [0, '#EXTM3U', 'a playlist'],
  [0, '[playlist]', 'a playlist'],
  [0, 'ffconcat', 'a playlist'],
  [0, '0&\u00b2u', 'Windows Media'],
  [0, 'wvpk', 'WavPack'],
  [0, 'MAC ', "Monkey's Audio"],
];

/** Whether the bytes at `at` are these characters, each a byte. */
function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  if (at + text.length > bytes.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
