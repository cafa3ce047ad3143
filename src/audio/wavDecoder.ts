import { QwenAsrError } from '../error.js';
import { type BytesInMemory, checkOptions, viewBytes } from '../model/checkArguments.js';
import { type AudioBlock, type AudioDecoder, type LoadedAudio, SAMPLE_RATE_HZ } from './audioClip.js';
import type { ByteReader, ByteSource } from './byteReader.js';
import { MixMeter } from './mixMeter.js';
import { prepareSamples } from './prepareSamples.js';
import { searchSource } from './riffChunk.js';
import { decodePcm, type ForeignSamples } from './wavFormat.js';
import { findWav, parseWavHeader, type WavHeader, wavNotes } from './wavHeader.js';

/**
 * Decodes a WAV file that is already in memory and prepares it for the models: mono, 16 kHz, within [-1, 1], at least
 * 0.5 s. Of a file that is shorter than it says, what is there is decoded, and `notes` says so. Needs no file system, so
 * it works in a browser.
 *
 * @param bytes the whole file: an ArrayBuffer or a view of one. A Blob is read by decodeAudio.
 * @param label names it in errors, for example its path.
 * @throws QwenAsrError `usage` for what are no bytes; `audio`, one line, for anything that is not a WAV file with samples; see readWav.
 * @example
 * const clip = decodeWav(await file.arrayBuffer(), file.name);
 * console.log(clip.samples.length, clip.durationMs);
 */
export function decodeWav(bytes: BytesInMemory, label = 'audio'): LoadedAudio {
  checkOptions({ label });
  const startMs = performance.now();
  const { samples: mono, sampleRateHz, notes } = readWav(viewBytes(bytes, label), label);
  const decodedMs = performance.now();
  const samples = prepareSamples(mono, sampleRateHz);
  return {
    samples,
    sampleRateHz: SAMPLE_RATE_HZ,
    durationMs: (mono.length * 1000) / sampleRateHz,
    decodeMs: decodedMs - startMs,
    resampleMs: performance.now() - decodedMs,
    format: 'wav',
    notes,
  };
}

/** Longest clip decoded at once, 2.8 GB at 16 kHz: a broken header must not make a file look like weeks of audio. */
const MAX_HOURS = 12;

/** A decoded WAV file: its header and its samples as mono at the file's own rate. */
export interface WavAudio extends WavHeader {
  /** [frames] f32, mean of the channels, full scale = 1 (float files may exceed it). */
  readonly samples: Float32Array;
  /** What was wrong with the recording and could be coped with, a line each. */
  readonly notes: readonly string[];
}

/**
 * Reads a WAV file: PCM of 8, 16, 24 or 32 bits, float of 32 or 64, plain or WAVE_FORMAT_EXTENSIBLE, in RIFF, RF64,
 * BW64 or RIFX, any number of channels, up to 12 hours. Of a file that is shorter than it says, what is there is read,
 * with a note. Pure: no file access, so it works in a browser.
 *
 * @param bytes the whole file.
 * @param label names it in errors.
 * @throws QwenAsrError `audio`, one line, whatever the bytes are; see parseWavHeader and decodePcm.
 * @example
 * const { samples, sampleRateHz } = readWav(new Uint8Array(await response.arrayBuffer()), 'clip.wav');
 */
export function readWav(bytes: Uint8Array, label: string): WavAudio {
  const header = parseWavHeader(bytes, label);
  const hours = header.dataBytes / header.frameBytes / header.sampleRateHz / 3600;
  if (hours > MAX_HOURS) {
    throw new QwenAsrError(
      'audio',
      `${label}: expected at most ${MAX_HOURS} hours, found ${hours.toFixed(1)}`,
    );
  }
  const data = bytes.subarray(header.dataOffset, header.dataOffset + header.dataBytes);
  const meter = new MixMeter(label);
  const samples = decodePcm(data, header, meter);
  return { ...header, samples, notes: [...wavNotes(header, label), ...meter.notes()] };
}

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
