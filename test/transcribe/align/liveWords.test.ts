import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAligner, loadModel, loadWav, type StreamEvent } from '../../../src/index.js';
import { demoAlignerDir, demoModelDir } from '../../support/projectRoot.js';

test('a segment of a stream that has ended has words, in the times of the stream', async () => {
  const model = await loadModel(demoModelDir, { precision: 'f32' });
  const aligner = await loadAligner(demoAlignerDir, { precision: 'f32' });
  try {
    const { samples } = await loadWav(join(demoModelDir, 'samples', 'timer-en.wav'));
    const spoken = new Float32Array(16 * 4000 + samples.length + 16 * 2000);
    spoken.set(samples, 16 * 4000);
    const stream = model.openStream({ timestamps: 'word', aligner, coalesce: false });
    const written = stream.write(spoken).then(() => stream.finish());
    const events: StreamEvent[] = [];
    for await (const event of stream) events.push(event);
    await written;
    const ends = events.filter(({ segmentText }) => segmentText !== null);
    assert.equal(ends.length, 1);
    const words = ends[0]!.words!;
    assert.deepEqual(
      words.map(({ text }) => text),
      ['Set', 'a', 'timer', 'for', 'seven', 'minutes'],
    );
    // Spoken from 80 to 1920 ms of the clip (test/golden/aligner), which begins at 4000 ms.
    assert.ok(Math.abs(words[0]!.startMs - 4080) <= 240 && Math.abs(words[5]!.endMs - 5920) <= 400);
    assert.ok(events.every(({ segmentText, words: own }) => (segmentText === null) === (own === undefined)));
  } finally {
    await aligner.close();
    await model.close();
  }
});
