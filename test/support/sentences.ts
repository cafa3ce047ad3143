import { join } from 'node:path';
import { loadWav } from '../../src/index.js';
import { readGolden } from './golden.js';
import { demoModelDir } from './projectRoot.js';
import { Random } from './random.js';

const CLIPS = ['timer-en', 'light-en', 'weather-de', 'music-es'];

/** 4.0 s at 16 kHz. */
const SENTENCE_SAMPLES = 64_000;

/** A recording of sentences that the demo model knows, and their texts. */
export interface Sentences {
  /** [samples] f32 */
  readonly samples: Float32Array;
  readonly texts: readonly string[];
}

/**
 * Sentences one after another, each padded with digital silence to 4.0 s, give or take `jitterSeconds` at random.
 *
 * @param order which of the demo model's four spoken samples, in turn
 */
export async function speakSentences(order: readonly number[], jitterSeconds = 0): Promise<Sentences> {
  const random = new Random(15);
  const clips = await Promise.all(
    CLIPS.map(async (name) => ({
      samples: (await loadWav(join(demoModelDir, 'samples', `${name}.wav`))).samples,
      text: readGolden(`demo/${name}`).text,
    })),
  );
  const spoken = order.map((i) => clips[i]!);
  const jitter = Math.round(jitterSeconds * 16_000);
  const lengths = order.map(() => SENTENCE_SAMPLES + random.integer(-jitter, jitter));
  const samples = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const [i, { samples: sentence }] of spoken.entries()) {
    samples.set(sentence, at);
    at += lengths[i]!;
  }
  return { samples, texts: spoken.map(({ text }) => text) };
}

/** Fifteen, each clip three times or more, never twice in a row. */
export const FIFTEEN = [0, 1, 2, 3, 1, 0, 3, 2, 0, 2, 1, 3, 0, 1, 2];
