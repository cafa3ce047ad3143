import { Random } from '../../support/random.js';

/** What the recording in a WAV file is made of. */
export interface ClipOptions {
  readonly sampleRateHz?: number;
  readonly channels?: number;
  readonly bits?: 8 | 16 | 24 | 32;
  readonly seconds?: number;
  readonly seed?: number;
  /** Largest magnitude; full scale = 1. */
  readonly peak?: number;
}

/**
 * A WAV file with something like a voice: a gliding tone with harmonics up to 3 kHz, in bursts, and a little noise. Each
 * channel has its own.
 */
export function voiceWav(options: ClipOptions = {}): Uint8Array<ArrayBuffer> {
  const { sampleRateHz = 16_000, channels = 1, bits = 16, seconds = 1, seed = 1, peak = 0.5 } = options;
  const frames = Math.round(seconds * sampleRateHz);
  const voices = Array.from({ length: channels }, (_, i) => voice(frames, sampleRateHz, seed + i, peak));
  return pcmWav(voices, sampleRateHz, bits);
}

/** [frames] f32. */
export function voice(frames: number, sampleRateHz: number, seed: number, peak: number): Float32Array {
  const random = new Random(seed);
  const baseHz = 100 + 100 * random.uniform();
  const samples = new Float32Array(frames);
  let phase = 0;
  for (let i = 0; i < frames; i++) {
    const t = i / sampleRateHz;
    phase += (2 * Math.PI * baseHz * (1 + 0.2 * Math.sin(2 * Math.PI * 1.5 * t))) / sampleRateHz;
    let sum = 0;
    for (let harmonic = 1; harmonic <= 15; harmonic++) sum += Math.sin(harmonic * phase) / harmonic;
    const burst = Math.max(0, Math.sin(2 * Math.PI * 3 * t));
    samples[i] = peak * (0.5 * burst * sum + 0.01 * (2 * random.uniform() - 1));
  }
  return samples;
}

/** A PCM file of these channels. */
export function pcmWav(
  channels: readonly Float32Array[],
  sampleRateHz: number,
  bits: 8 | 16 | 24 | 32,
): Uint8Array<ArrayBuffer> {
  const frames = channels[0]!.length;
  const sampleBytes = bits / 8;
  const blockBytes = sampleBytes * channels.length;
  const file = new Uint8Array(44 + frames * blockBytes);
  const view = new DataView(file.buffer);
  const text = (at: number, mark: string) => {
    for (let i = 0; i < 4; i++) file[at + i] = mark.charCodeAt(i);
  };
  text(0, 'RIFF');
  view.setUint32(4, file.length - 8, true);
  text(8, 'WAVE');
  text(12, 'fmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels.length, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz * blockBytes, true);
  view.setUint16(32, blockBytes, true);
  view.setUint16(34, bits, true);
  text(36, 'data');
  view.setUint32(40, frames * blockBytes, true);
  const scale = 2 ** (bits - 1);
  for (let frame = 0, at = 44; frame < frames; frame++) {
    for (const samples of channels) {
      const code = Math.max(-scale, Math.min(scale - 1, Math.round(samples[frame]! * scale)));
      for (let byte = 0; byte < sampleBytes; byte++) {
        file[at++] = Math.floor((bits === 8 ? code + 128 : code) / 256 ** byte) & 0xff;
      }
    }
  }
  return file;
}
