import { QwenAsrError } from '../error.js';
import { type ByteInput, checkOptions, nameOfBytes, takeBytes } from '../model/checkArguments.js';
import { type AudioFormat, type LoadedAudio, SAMPLE_RATE_HZ } from './audioClip.js';
import { audioParts, type OpenedDecoder } from './audioStream.js';
import { bytesInMemory } from './byteReader.js';
import { DECODED_FORMATS, openDecoder } from './openDecoder.js';
import { joinSamples, limitPeak, padShortClip, peakOf } from './prepareSamples.js';
import { Resampler } from './resample.js';

/**
 * Decodes a WAV, MP3, FLAC, Ogg Vorbis or Ogg Opus file that is already in memory and prepares it for the models: mono,
 * 16 kHz, within [-1, 1], at least 0.5 s. The format is told by the content. Needs no file system, so it works in a
 * browser for WAV and FLAC; the packages for the other formats have to be made resolvable there.
 *
 * @param bytes the whole file: an ArrayBuffer, a view of one, a Blob or File, or the Response of a fetch. Taken at the
 * call: they may change afterwards.
 * @param label names it in errors, for example its path; default: the File's name.
 * @throws QwenAsrError `usage` for what are no bytes; `file` when a Blob cannot be read; `audio`, one line, for anything
 * else or a file that cannot be decoded; `unsupported` when the
 * package that decodes its format is not installed.
 * @example
 * const clip = await decodeAudio(file);
 * console.log(clip.format, clip.durationMs);
 */
export async function decodeAudio(
  bytes: ByteInput,
  label: string = nameOfBytes(bytes, 'audio'),
): Promise<LoadedAudio> {
  checkOptions({ label });
  const startMs = performance.now();
  const opened = await openDecoder(bytesInMemory(await takeBytes(bytes, label), label));
  if (opened.format === null) {
    throw new QwenAsrError('audio', `${label}: expected ${DECODED_FORMATS}, found ${opened.found}`);
  }
  return await collectAudio(opened, opened.format, label, performance.now() - startMs);
}

/** Longest clip held in memory, 2.8 GB: a file of a few megabytes can claim to be years of silence. */
const MAX_HOURS = 12;
const MAX_SAMPLES = MAX_HOURS * 3600 * SAMPLE_RATE_HZ;

/**
 * Decodes a whole recording and prepares it for the models, with the result of prepareSamples.
 *
 * @param readMs what opening has taken; decodeMs includes it.
 * @throws QwenAsrError `audio`, one line, when it cannot be decoded, has no samples, or is longer than 12 hours;
 * `aborted`.
 */
export async function collectAudio(
  { decoder, close }: OpenedDecoder,
  format: AudioFormat,
  label: string,
  readMs: number,
  signal?: AbortSignal,
): Promise<LoadedAudio> {
  const startMs = performance.now();
  try {
    const pieces: Float32Array[] = [];
    let resampleMs = 0;
    let durationMs = 0;
    let count = 0;
    const keep = (make: () => Float32Array) => {
      const beforeMs = performance.now();
      const piece = make();
      resampleMs += performance.now() - beforeMs;
      count += piece.length;
      if (count > MAX_SAMPLES) {
        throw new QwenAsrError('audio', `${label}: expected at most ${MAX_HOURS} hours, found more`);
      }
      pieces.push(piece);
    };
    for await (const { sampleRateHz, blocks } of audioParts(decoder.decode(), label, signal)) {
      const resampler = new Resampler(sampleRateHz);
      let sourceCount = 0;
      for await (const block of blocks) {
        sourceCount += block.length;
        keep(() => resampler.push(block));
      }
      keep(() => resampler.flush());
      durationMs += (sourceCount * 1000) / sampleRateHz;
    }
    if (count === 0) throw new QwenAsrError('audio', `${label}: expected samples, found none`);
    const samples = joinSamples(pieces);
    return {
      samples: padShortClip(limitPeak(samples, peakOf(samples))),
      sampleRateHz: SAMPLE_RATE_HZ,
      durationMs,
      decodeMs: readMs + performance.now() - startMs - resampleMs,
      resampleMs,
      format,
      notes: decoder.notes,
    };
  } finally {
    await close();
  }
}
