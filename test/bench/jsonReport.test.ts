import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EncoderResult } from '../../src/bench/benchmarkResult.js';
import { formatJson } from '../../src/bench/jsonReport.js';
import { INFO_1_7B } from './fakeModel.js';

const SETTING = { version: '1.2.3', node: 'v20.0.0', platform: 'linux-x64', cpus: 8 };
const RESULT: EncoderResult = {
  mode: 'encoder',
  runs: 3,
  audioPath: null,
  durationMs: 5000,
  model: INFO_1_7B,
  notes: ['a note.'],
  frames: 500,
  samples: [48, 96, 72].map((encodeMs) => ({
    encodeMs,
    tokens: 65,
    timings: { convStemMs: 1, encoderLayersMs: encodeMs - 1 },
  })),
  interrupted: false,
};

test('the document names its schema and holds every raw run beside the summary', () => {
  const document = JSON.parse(formatJson(RESULT, SETTING));
  assert.equal(document.schema, 'qwen-asr-bench');
  assert.equal(document.version, 1);
  assert.deepEqual(document.setting, SETTING);
  assert.deepEqual(document.audio, { path: null, durationMs: 5000 });
  assert.deepEqual(document.model, INFO_1_7B);
  assert.deepEqual(document.runs, RESULT.samples);
  assert.deepEqual(document.summary, {
    encodeMs: { min: 48, mean: 72, max: 96 },
    perLayerMs: { min: 2, mean: 3, max: 4 },
  });
  assert.equal(document.frames, 500);
  assert.deepEqual(document.notes, ['a note.']);
});

test('an interruption before the first run leaves no summary, and valid JSON', () => {
  const document = JSON.parse(formatJson({ ...RESULT, samples: [], interrupted: true }, SETTING));
  assert.equal(document.summary, null);
  assert.equal(document.interrupted, true);
  assert.deepEqual(document.runs, []);
});
