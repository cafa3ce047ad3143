import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadAligner } from '../../src/index.js';
import { demoAlignerDir, goldenDir } from '../support/projectRoot.js';
import { documentOf, sampleForm } from './support/sampleForm.js';
import { startServer } from './support/startServer.js';

test('a server with an aligner tells when words are spoken', async () => {
  const golden: { words: { word: string; startMs: number; endMs: number }[] } = JSON.parse(
    readFileSync(join(goldenDir, 'aligner', 'timer-en.json'), 'utf8'),
  );
  const aligner = await loadAligner(demoAlignerDir, { precision: 'f32' });
  const server = await startServer({}, aligner);
  try {
    const fields = { response_format: 'verbose_json', 'timestamp_granularities[]': ['word', 'segment'] };
    const answer = await fetch(`${server.address}/v1/audio/transcriptions`, {
      method: 'POST',
      body: sampleForm(fields),
    });
    assert.equal(answer.status, 200);
    const { words, segments } = await documentOf(answer);
    assert.deepEqual(
      words,
      golden.words.map(({ word, startMs, endMs }) => ({ word, start: startMs / 1000, end: endMs / 1000 })),
    );
    assert.equal(segments.length, 1);
  } finally {
    await server.stop();
    await aligner.close();
  }
});
