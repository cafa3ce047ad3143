import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadWav } from '../../../src/index.js';
import { buildAligner } from '../../../src/transcribe/align/buildAligner.js';
import { loadInto } from '../../../src/transcribe/loadModel.js';
import type { LoadOptions } from '../../../src/transcribe/types.js';
import { demoAlignerDir, demoModelDir, goldenDir } from '../../support/projectRoot.js';

/** What the independent implementation says in f32; see test/golden/aligner/README.md. */
export interface AlignerGolden {
  readonly text: string;
  readonly prompt_ids: readonly number[];
  readonly classes: readonly number[];
  /** Of the logit over the second best. */
  readonly margins: readonly number[];
  readonly words: readonly { readonly word: string; readonly startMs: number; readonly endMs: number }[];
  readonly wav: string;
}

/** All clips, the shortest first. */
export const ALIGNER_CLIPS = [
  ...['music-es', 'lamp-zh', 'timer-en', 'timer-en-noisy', 'weather-de', '03-zh', '02-es', 'travel-de'],
  ...['04-en', 'morning-en', '05-de'],
];

/** README: where the margin is less, bf16 may choose the neighbouring class. */
const SURE_MARGIN = 0.1;
/** What 8 bits change of a difference of two logits (as of those of transcripts, `live/roundedSteps`): then the second best. */
const SURE_MARGIN_OF_8_BITS = 0.25;
export const CLASS_MS = 80;

/**
 * Holds classes, words and times of an aligner against the goldens: every class in f32, in bf16 and 8 bits those whose
 * margin is not small; of the others all in bf16, in 8 bits all but 1 in 100 classes, to their neighbours.
 *
 * @throws AssertionError
 */
export async function checkAlignerGoldens(
  options: LoadOptions,
  clips: readonly string[] = ALIGNER_CLIPS,
  directory = demoAlignerDir,
): Promise<void> {
  const aligner = await loadInto(buildAligner, directory, options);
  try {
    const goldens = await Promise.all(clips.map(readClip));
    const inputs = goldens.map(({ golden, samples }) => ({
      samples,
      words: golden.words.map(({ word }) => word),
    }));
    // Together, so that short clips share a pass.
    const found = await aligner.timeWords(inputs);
    const { precision } = aligner.info;
    const isExact = precision === 'f32';
    const sureMargin = precision === 'int8' ? SURE_MARGIN_OF_8_BITS : SURE_MARGIN;
    let [far, count] = [0, 0];
    for (const [i, { golden, name }] of goldens.entries()) {
      const classes = found[i]!.times.map((ms) => ms / CLASS_MS);
      for (const [k, expected] of golden.classes.entries()) {
        const isSure = isExact || golden.margins[k]! >= sureMargin;
        const distance = Math.abs(classes[k]! - expected);
        const found = `${name}: class ${k} is ${classes[k]}, expected ${expected}`;
        assert.ok(distance === 0 || !isSure, found);
        assert.ok(distance <= 1 || precision === 'int8', found);
        far += distance <= 1 ? 0 : 1;
      }
      count += classes.length;
      assert.equal(classes.length, golden.classes.length);
    }
    assert.ok(far <= count / 100, `${far} of ${count} classes are neither right nor next to it`);
    for (const { golden, samples, name } of goldens) {
      const { words } = await aligner.align(samples, golden.text);
      assert.deepEqual(
        words.map(({ text }) => text),
        golden.words.map(({ word }) => word),
      );
      if (!isExact) continue;
      const published = words.map(({ text, aligned, startMs, endMs }) => ({
        word: text,
        ...(aligned ?? { startMs, endMs }),
      }));
      assert.deepEqual(published, golden.words, name);
    }
  } finally {
    await aligner.close();
  }
}

export function readAlignerGolden(name: string): AlignerGolden {
  return JSON.parse(readFileSync(join(goldenDir, 'aligner', `${name}.json`), 'utf8'));
}

/** A clip's golden with its samples. */
export async function readClip(name: string) {
  const golden = readAlignerGolden(name);
  const sample = join(demoModelDir, 'samples', golden.wav);
  const path = existsSync(sample) ? sample : join(goldenDir, 'streaming', golden.wav);
  const { samples } = await loadWav(path);
  return { name, golden, samples };
}
