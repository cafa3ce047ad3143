import { QwenAsrError } from '../error.js';
import { type ByteInput, checkOptions, nameOfBytes, takeBytes } from '../model/checkArguments.js';
import { type AudioClip, SAMPLE_RATE_HZ } from './audioClip.js';
import { prepareSamples } from './prepareSamples.js';
import { isRiffMark } from './riffChunk.js';
import { decodeWav } from './wavDecoder.js';

/** The part of the Web Audio API that is used; the types would otherwise come with all of the DOM's. */
interface BrowserAudio {
  readonly length: number;
  /** Seconds. */
  readonly duration: number;
  readonly numberOfChannels: number;
  getChannelData(channel: number): Float32Array;
}
interface BrowserAudioContext {
  decodeAudioData(bytes: ArrayBuffer): Promise<BrowserAudio>;
}
interface WithAudioContext {
  readonly OfflineAudioContext?: new (
    channels: number,
    length: number,
    sampleRateHz: number,
  ) => BrowserAudioContext;
}

/**
 * Decodes a recording in a browser and prepares it for the models: mono, 16 kHz, within [-1, 1], at least 0.5 s. WAV is
 * decoded here, every other format by the browser, if it knows it. Workers have no such decoder: call it on the page.
 *
 * @param given the whole file: an ArrayBuffer, a view of one, a Blob or File, or the Response of a fetch. Taken at the
 * call: they may change afterwards.
 * @param label names it in errors; default: the File's name.
 * @throws QwenAsrError `usage` for what are no bytes; `file` when a Blob cannot be read; `audio`, one line, for what cannot be decoded; `unsupported` in a worker, except for WAV.
 * @example
 * const clip = await decodeAudio(file);
 * console.log(clip.samples.length, clip.durationMs);
 */
export async function decodeInBrowser(
  given: ByteInput,
  label: string = nameOfBytes(given, 'audio'),
): Promise<AudioClip> {
  checkOptions({ label });
  const bytes = await takeBytes(given, label);
  if (isWav(bytes)) return decodeWav(bytes, label);
  const startMs = performance.now();
  const decoded = await decodeByBrowser(bytes, label);
  const decodedMs = performance.now();
  const samples = prepareSamples(meanOfChannels(decoded), SAMPLE_RATE_HZ);
  return {
    samples,
    sampleRateHz: SAMPLE_RATE_HZ,
    durationMs: decoded.duration * 1000,
    decodeMs: decodedMs - startMs,
    resampleMs: performance.now() - decodedMs,
  };
}

function isWav(bytes: Uint8Array): boolean {
  return isRiffMark(String.fromCharCode(...bytes.subarray(0, 4)));
}

/** The browser resamples to the rate of its context. */
async function decodeByBrowser(bytes: Uint8Array<ArrayBuffer>, label: string): Promise<BrowserAudio> {
  const { OfflineAudioContext } = globalThis as WithAudioContext;
  if (OfflineAudioContext === undefined) {
    throw new QwenAsrError(
      'unsupported',
      `${label}: only pages have the decoders of a browser, no worker has`,
    );
  }
  try {
    // The decoder takes the buffer away, and it is ours.
    return await new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ).decodeAudioData(bytes.buffer);
  } catch (cause) {
    throw new QwenAsrError('audio', `${label}: expected a recording, found what this browser cannot decode`, {
      cause,
    });
  }
}

function meanOfChannels(decoded: BrowserAudio): Float32Array {
  const mono = new Float32Array(decoded.length);
  for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
    const samples = decoded.getChannelData(channel);
    for (let i = 0; i < mono.length; i++) mono[i]! += samples[i]! / decoded.numberOfChannels;
  }
  return mono;
}
