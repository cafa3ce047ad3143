import { QwenAsrError } from '../error.js';
import type { WavFormat } from './wavFormat.js';

/**
 * Largest magnitude accepted of float samples: far above any recording (even of integers stored as floats), and low
 * enough that resampling cannot overflow f32 (3.4e38).
 */
const MAX_MAGNITUDE = 1e30;

/** The sample at byte `at`, full scale = 1. */
type SampleReader = (view: DataView, at: number) => number;

/**
 * Samples of a WAV file as mono: the mean of the channels, integers divided by 2^(bits − 1).
 *
 * @param bytes the samples; a partial frame at the end is ignored.
 * @param label names the file in errors.
 * @param firstFrame number of the first frame in its file, for errors, when `bytes` is a piece of it.
 * @returns [frames] f32 at the file's rate. Integers lie in [-1, 1); floats are as found, so they may exceed 1.
 * @throws QwenAsrError `audio` for a float sample that is not finite or beyond ±1e30.
 * @example
 * const header = parseWavHeader(bytes, 'clip.wav');
 * const { dataOffset, dataBytes } = header;
 * const mono = decodePcm(bytes.subarray(dataOffset, dataOffset + dataBytes), header, 'clip.wav');
 */
export function decodePcm(bytes: Uint8Array, format: WavFormat, label: string, firstFrame = 0): Float32Array {
  const { channels, frameBytes } = format;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readerOf(format);
  const sampleBytes = frameBytes / channels;
  const mono = new Float32Array(Math.floor(bytes.length / frameBytes));
  let at = 0;
  for (let frame = 0; frame < mono.length; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += sampleBytes) sum += read(view, at);
    const mean = sum / channels;
    if (!(Math.abs(mean) <= MAX_MAGNITUDE)) throw brokenSample(view, frame, format, label, firstFrame);
    mono[frame] = mean;
  }
  return mono;
}

function readerOf({ encoding, bitsPerSample }: WavFormat): SampleReader {
  if (encoding === 'float') {
    return bitsPerSample === 32
      ? (view, at) => view.getFloat32(at, true)
      : (view, at) => view.getFloat64(at, true);
  }
  switch (bitsPerSample) {
    case 8:
      return (view, at) => (view.getUint8(at) - 128) / 128;
    case 16:
      return (view, at) => view.getInt16(at, true) / 0x8000;
    case 24:
      return (view, at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 0x800000;
    default:
      return (view, at) => view.getInt32(at, true) / 0x80000000;
  }
}

/** The error that names the first channel whose sample spoils a frame. */
function brokenSample(
  view: DataView,
  frame: number,
  format: WavFormat,
  label: string,
  firstFrame: number,
): QwenAsrError {
  const read = readerOf(format);
  const { channels, frameBytes } = format;
  for (let channel = 0; channel < channels; channel++) {
    const value = read(view, frame * frameBytes + (channel * frameBytes) / channels);
    if (Math.abs(value) <= MAX_MAGNITUDE) continue;
    const where = `sample ${firstFrame + frame} of channel ${channel + 1}`;
    return new QwenAsrError('audio', `${label}: expected finite samples, found ${value} in ${where}`);
  }
  return new QwenAsrError('internal', `${label}: the mean of frame ${firstFrame + frame} is not finite`);
}
