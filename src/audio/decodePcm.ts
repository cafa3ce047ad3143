import type { MixMeter } from './mixMeter.js';
import type { WavFormat } from './wavFormat.js';

/** The sample at byte `at`, full scale = 1. */
type SampleReader = (view: DataView, at: number) => number;

/**
 * Samples of a WAV file as mono: the mean of the channels, integers divided by 2^(bits − 1).
 *
 * @param bytes the samples; a partial frame at the end is ignored.
 * @param meter counts float samples that are no numbers, which become 0, and compares the channels.
 * @returns [frames] f32 at the file's rate. Integers lie in [-1, 1); floats are as found, so they may exceed 1.
 * @example
 * const header = parseWavHeader(bytes, 'clip.wav');
 * const { dataOffset, dataBytes } = header;
 * const meter = new MixMeter('clip.wav');
 * const mono = decodePcm(bytes.subarray(dataOffset, dataOffset + dataBytes), header, meter);
 */
export function decodePcm(bytes: Uint8Array, format: WavFormat, meter: MixMeter): Float32Array {
  const { channels, frameBytes, sampleRateHz } = format;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = readerOf(format);
  const sampleBytes = frameBytes / channels;
  const mono = new Float32Array(Math.floor(bytes.length / frameBytes));
  let at = 0;
  let squares = 0;
  for (let frame = 0; frame < mono.length; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += sampleBytes) {
      const value = meter.checked(read(view, at));
      sum += value;
      squares += value * value;
    }
    mono[frame] = sum / channels;
  }
  meter.compare(mono, squares, channels, sampleRateHz);
  return mono;
}

function readerOf({ encoding, bitsPerSample, littleEndian }: WavFormat): SampleReader {
  if (encoding === 'float') {
    return bitsPerSample === 32
      ? (view, at) => view.getFloat32(at, littleEndian)
      : (view, at) => view.getFloat64(at, littleEndian);
  }
  switch (bitsPerSample) {
    case 8:
      return (view, at) => (view.getUint8(at) - 128) / 128;
    case 16:
      return (view, at) => view.getInt16(at, littleEndian) / 0x8000;
    case 24: {
      const [high, low] = littleEndian ? [2, 0] : [0, 1];
      return (view, at) =>
        ((view.getInt8(at + high) << 16) | view.getUint16(at + low, littleEndian)) / 0x800000;
    }
    default:
      return (view, at) => view.getInt32(at, littleEndian) / 0x80000000;
  }
}
