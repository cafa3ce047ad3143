import { createHash } from 'node:crypto';

/**
 * Identifies audio by what the model hears of it.
 *
 * @param samples [n] f32, 16 kHz mono
 * @returns SHA-256, hex, of the samples as little-endian f32
 */
export function hashSamples(samples: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(samples.length * 4));
  samples.forEach((sample, index) => {
    bytes.setFloat32(index * 4, sample, true);
  });
  // Node's own: an hour of audio is 230 MB.
  return createHash('sha256').update(new Uint8Array(bytes.buffer)).digest('hex');
}
