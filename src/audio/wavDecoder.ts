import { QwenAsrError } from '../error.js';
import type { AudioDecoder } from './audioDecoder.js';
import type { ByteReader } from './byteReader.js';
import { decodePcm } from './decodePcm.js';
import { parseWavHeader, type WavHeader } from './wavHeader.js';
import { wavNotes } from './wavNotes.js';

/** Bytes that the samples are looked for in: at first, and at most, where long chunks come before them. */
const FIRST_HEAD_BYTES = 2 ** 20;
const LAST_HEAD_BYTES = 2 ** 25;

/** Samples (of all channels together) decoded at a time. */
const BLOCK_SAMPLES = 32_768;

/**
 * Decodes a WAV file piece by piece; formats and tolerance are those of parseWavHeader, except that the samples have to
 * begin within the first 32 MiB.
 *
 * @param totalBytes length of the file.
 * @throws QwenAsrError `audio` for a header that cannot be used; from `decode` for a sample that is not finite.
 */
export async function openWav(reader: ByteReader, label: string, totalBytes: number): Promise<AudioDecoder> {
  const header = await readHeader(reader, label, totalBytes);
  const { encoding, channels, bitsPerSample, sampleRateHz, frameBytes, dataBytes } = header;
  const mayExceedOne = encoding === 'float';
  const sampleCount = dataBytes / frameBytes;
  return { sampleRateHz, mayExceedOne, sampleCount, notes: wavNotes(header, label), decode };

  async function* decode(): AsyncGenerator<Float32Array, void, undefined> {
    const format = { encoding, channels, bitsPerSample, sampleRateHz, frameBytes };
    const blockFrames = Math.max(1, Math.floor(BLOCK_SAMPLES / channels));
    await reader.discard(header.dataOffset);
    for (let frame = 0; frame < sampleCount; ) {
      const wanted = Math.min(blockFrames, sampleCount - frame);
      const present = Math.floor((await reader.fill(wanted * frameBytes)) / frameBytes);
      const frames = Math.min(wanted, present);
      if (frames === 0) throw new QwenAsrError('file', `${label}: became shorter while it was read`);
      const bytes = reader.bytes.subarray(0, frames * frameBytes);
      yield decodePcm(bytes, format, label, frame);
      reader.skip(bytes.length);
      frame += frames;
    }
  }
}

/** Parses the beginning of the file, and more of it as long as that is not enough. */
async function readHeader(reader: ByteReader, label: string, totalBytes: number): Promise<WavHeader> {
  for (let window = FIRST_HEAD_BYTES; ; window *= 2) {
    const present = await reader.fill(window);
    try {
      return parseWavHeader(reader.bytes, label, totalBytes);
    } catch (error) {
      if (present < window || window >= LAST_HEAD_BYTES) throw error;
    }
  }
}
