import { QwenAsrError } from '../error.js';
import type { AudioBlock, AudioDecoder } from './audioDecoder.js';
import type { ByteReader, ByteSource } from './byteReader.js';
import { searchSource } from './byteSearch.js';
import { decodePcm } from './decodePcm.js';
import { MixMeter } from './mixMeter.js';
import type { ForeignSamples } from './wavFormat.js';
import { findWav } from './wavHeader.js';
import { wavNotes } from './wavNotes.js';

/** Samples (of all channels together) decoded at a time. */
const BLOCK_SAMPLES = 32_768;

/**
 * Decodes a WAV file piece by piece; formats and tolerance are those of parseWavHeader.
 *
 * @param offset of the file's first byte in the source.
 * @returns what the samples are where they are not read here.
 * @throws QwenAsrError `audio` for a header that cannot be used.
 */
export async function openWav(
  reader: ByteReader,
  source: ByteSource,
  offset: number,
): Promise<AudioDecoder | ForeignSamples> {
  const { label } = source;
  const header = await searchSource(findWav(source.totalBytes - offset, label), source, offset);
  if ('foreign' in header) return header;
  const { dataOffset, dataBytes, frameBytes, sampleRateHz, channels, encoding } = header;
  const format = header;
  const frameCount = dataBytes / frameBytes;
  const notes = wavNotes(header, label);
  const isPlain = encoding === 'pcm' && channels === 1;
  return { sampleRateHz, sampleCount: isPlain ? frameCount : null, notes, decode };

  async function* decode(): AsyncGenerator<AudioBlock, void, undefined> {
    const meter = new MixMeter(label);
    const blockFrames = Math.max(1, Math.floor(BLOCK_SAMPLES / channels));
    await reader.discard(offset + dataOffset - reader.position);
    for (let frame = 0; frame < frameCount; ) {
      const wanted = Math.min(blockFrames, frameCount - frame);
      const present = Math.floor((await reader.fill(wanted * frameBytes)) / frameBytes);
      const frames = Math.min(wanted, present);
      if (frames === 0) throw new QwenAsrError('file', `${label}: became shorter while it was read`);
      const bytes = reader.bytes.subarray(0, frames * frameBytes);
      yield { samples: decodePcm(bytes, format, meter), sampleRateHz };
      reader.skip(bytes.length);
      frame += frames;
    }
    notes.push(...meter.notes());
  }
}
