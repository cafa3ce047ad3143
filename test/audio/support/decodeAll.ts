import assert from 'node:assert/strict';
import { bytesInMemory } from '../../../src/audio/byteReader.js';
import { openDecoder } from '../../../src/audio/openDecoder.js';

/** A file's samples at its own rates, as its decoder gives them, and the lengths of the parts that have one rate. */
export async function decodeAll(bytes: Uint8Array, label = 'clip') {
  const opened = await openDecoder(bytesInMemory(bytes, label));
  assert.ok(opened.format !== null, 'the format was not recognised');
  const blocks: Float32Array[] = [];
  const parts: { sampleRateHz: number; sampleCount: number }[] = [];
  for await (const { samples, sampleRateHz } of opened.decoder.decode()) {
    assert.ok(samples.length <= 65_536);
    blocks.push(samples);
    if (parts.at(-1)?.sampleRateHz !== sampleRateHz) parts.push({ sampleRateHz, sampleCount: 0 });
    parts.at(-1)!.sampleCount += samples.length;
  }
  const { sampleRateHz, notes } = opened.decoder;
  return { format: opened.format, sampleRateHz, notes, samples: joined(blocks), parts };
}

export function joined(blocks: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}

/** Largest difference; infinite when the lengths differ. */
export function largestDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  return found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
}

/** 10·log10 of the energy of `expected` over that of the difference. */
export function signalToNoiseDb(found: Float32Array, expected: Float32Array): number {
  assert.equal(found.length, expected.length);
  let [noise, signal] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    noise += (found[i]! - expected[i]!) ** 2;
    signal += expected[i]! ** 2;
  }
  return 10 * Math.log10(signal / noise);
}
