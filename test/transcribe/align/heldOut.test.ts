import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Aligner, loadAligner, loadAudio, type TimedWord } from '../../../src/index.js';
import { demoAlignerDir, heldOutDir } from '../../support/projectRoot.js';
import { type HeldOutClip, heldOutClips } from '../support/heldOutClips.js';

type TimedClip = Required<HeldOutClip>;

const directory = heldOutDir();
const skip =
  directory === null && 'QWEN_ASR_HELD_OUT is not set: the clips are not among the project’s files';

function timedClips(): TimedClip[] {
  return heldOutClips(directory!).filter((clip): clip is TimedClip => clip.words !== undefined);
}

async function errorsOf(aligner: Aligner, clips: readonly TimedClip[]): Promise<number[]> {
  const errors: number[] = [];
  for (const { file, text, language, words } of clips) {
    const { samples } = await loadAudio(join(directory!, file));
    const found = await aligner.align(samples, text, { language });
    assert.deepEqual(
      found.words.map((word) => word.text),
      words.map(([unit]) => unit),
    );
    checkOrder(found.words);
    errors.push(...differences(found.words, words));
  }
  return errors;
}

function differences(found: readonly TimedWord[], words: TimedClip['words']): number[] {
  return found.flatMap(({ startMs, endMs }, i) => [
    Math.abs(startMs - words[i]![1]),
    Math.abs(endMs - words[i]![2]),
  ]);
}

function checkOrder(words: readonly TimedWord[]): void {
  let before = 0;
  for (const { startMs, endMs } of words) {
    assert.ok(startMs >= before && endMs >= startMs);
    before = endMs;
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, ms) => sum + ms, 0) / values.length;
const shareWithin80 = (values: readonly number[]): number =>
  values.filter((ms) => ms <= 80).length / values.length;

test('words of held-out clips are about as near to the truth as those of the independent implementation', {
  skip,
}, async (t) => {
  // All of them: QWEN_ASR_FULL=1. The README of the aligner has the figures of the PyTorch statement for all.
  const isFull = process.env['QWEN_ASR_FULL'] === '1';
  const all = timedClips();
  const aligner = await loadAligner(demoAlignerDir, { precision: 'f32' });
  try {
    for (const [kind, meanMs, share] of [
      ['clean', 42, 0.958],
      ['noisy', 50, 0.929],
    ] as const) {
      const clips = all.filter(({ file }) => file.includes('noisy') === (kind === 'noisy'));
      const errors = await errorsOf(aligner, isFull ? clips : clips.slice(0, 8));
      const line = `mean ${mean(errors).toFixed(1)} ms, ${(100 * shareWithin80(errors)).toFixed(1)} % within 80 ms`;
      t.diagnostic(`${kind}: ${errors.length / 2} words, ${line}`);
      if (isFull) {
        assert.ok(mean(errors) < meanMs + 5, line);
        assert.ok(shareWithin80(errors) > share - 0.01, line);
      } else {
        assert.ok(mean(errors) < 70 && shareWithin80(errors) > 0.88, line);
      }
    }
  } finally {
    await aligner.close();
  }
});

test('a recording of several minutes with long pauses is aligned as well as its parts', {
  skip,
}, async (t) => {
  const clips = timedClips()
    .filter(({ file, language }) => language === 'German' && /long|sentence/.test(file))
    .slice(0, 20);
  const parts: Float32Array[] = [];
  const words: [string, number, number][] = [];
  let atMs = 5000; // silence at the beginning
  parts.push(new Float32Array(16 * atMs));
  for (const clip of clips) {
    const { samples } = await loadAudio(join(directory!, clip.file));
    const pause = new Float32Array(16 * 3000);
    for (const [unit, startMs, endMs] of clip.words) words.push([unit, startMs + atMs, endMs + atMs]);
    parts.push(samples, pause);
    atMs += (samples.length + pause.length) / 16;
  }
  const recording = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    recording.set(part, at);
    at += part.length;
  }
  assert.ok(atMs > 180_000);
  const aligner = await loadAligner(demoAlignerDir, { precision: 'f32' });
  try {
    const text = clips.map((clip) => clip.text).join(' ');
    const found = await aligner.align(recording, text, { language: 'German' });
    assert.equal(found.words.length, words.length);
    checkOrder(found.words);
    const errors = differences(found.words, words);
    const line = `mean ${mean(errors).toFixed(1)} ms, ${(100 * shareWithin80(errors)).toFixed(1)} % within 80 ms`;
    t.diagnostic(`${(atMs / 1000).toFixed(0)} s, ${words.length} words, ${line}`);
    assert.ok(mean(errors) < 50 && shareWithin80(errors) > 0.95, line);
  } finally {
    await aligner.close();
  }
});

test('a text that is not what the clip says is noticed, and so is speech without a text', {
  skip,
}, async () => {
  const clips = timedClips().filter(({ file, words }) => !file.includes('noisy') && words.length >= 25);
  const aligner = await loadAligner(demoAlignerDir, { precision: 'f32' });
  try {
    let [doubted, trusted] = [0, 0];
    for (const [i, clip] of clips.slice(0, 10).entries()) {
      const { samples } = await loadAudio(join(directory!, clip.file));
      const isDoubted = async (text: string) =>
        (await aligner.align(samples, text)).notes.some((note) => note.includes('hardly fits'));
      if (!(await isDoubted(clip.text))) trusted++;
      const other = clips.slice(i + 10).find(({ language }) => language === clip.language)!;
      if (await isDoubted(other.text)) doubted++;
    }
    assert.ok(trusted >= 9, `${trusted} of 10 right texts were trusted`);
    assert.ok(doubted >= 7, `${doubted} of 10 wrong texts were doubted`);
    const { samples } = await loadAudio(join(directory!, clips[0]!.file));
    const half = clips[0]!.words.slice(0, Math.floor(clips[0]!.words.length / 2));
    const { notes } = await aligner.align(samples, half.map(([unit]) => unit).join(' '));
    assert.match(notes.join('\n'), /s of speech after the last word have no text/);
  } finally {
    await aligner.close();
  }
});
