import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { failureDocument } from '../../../src/transcribe/formats/recordingTranscript.js';
import {
  type TranscriptFormatName,
  transcriptWriter,
} from '../../../src/transcribe/formats/transcriptFormat.js';
import { skippedSegment } from '../../../src/transcribe/transcribeSegments.js';
import type { TranscriptSegment } from '../../../src/transcribe/types.js';
import { projectRoot } from '../../support/projectRoot.js';
import { recordingOf, segmentSaying } from './support.js';

function write(
  format: TranscriptFormatName,
  segments: readonly TranscriptSegment[],
  logProbabilities = false,
): string {
  const writer = transcriptWriter(format, { input: 'talk.wav', logProbabilities });
  const pieces = segments.map((segment) => writer.segment(segment));
  return [writer.begin(), ...pieces, writer.end(recordingOf(segments))].join('');
}

const skipped = (index: number) =>
  skippedSegment({ index, startMs: 2000 * index, endMs: 2000 * (index + 1), samples: new Float32Array(0) });

const SEGMENTS = [
  segmentSaying('Good morning.', { index: 0 }),
  skipped(1),
  segmentSaying('', { index: 2 }),
  segmentSaying('A <b> & c\n\nd', { index: 3, startMs: 3_661_001.5, endMs: 3_725_999.6 }),
];

test('txt is the joined text in a line', () => {
  assert.equal(write('txt', SEGMENTS), 'Good morning. A <b> & c\n\nd\n');
  assert.equal(
    write('txt', [segmentSaying('早上好。'), segmentSaying('你好', { index: 1 })]),
    '早上好。你好\n',
  );
  assert.equal(write('txt', [segmentSaying('')]), '\n');
});

test('srt has cues for every segment that has text, which takes at most 250 ms a letter', () => {
  assert.equal(
    write('srt', SEGMENTS),
    '1\n00:00:00,000 --> 00:00:02,000\nGood morning.\n\n' +
      '2\n01:01:01,002 --> 01:01:02,752\nA <b> & c d\n\n',
  );
  assert.equal(write('srt', [segmentSaying('')]), '');
});

test('vtt has its header and no markup of its own', () => {
  assert.equal(
    write('vtt', SEGMENTS),
    'WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nGood morning.\n\n' +
      '01:01:01.002 --> 01:01:02.752\nA &lt;b&gt; &amp; c d\n\n',
  );
  assert.equal(write('vtt', [segmentSaying('')]), 'WEBVTT\n\n');
});

test('hours of more than two digits', () => {
  const [line] = write('srt', [segmentSaying('a', { startMs: 360_000_000, endMs: 360_000_001 })])
    .split('\n')
    .slice(1);
  assert.equal(line, '100:00:00,000 --> 100:00:01,000');
});

const schema = JSON.parse(readFileSync(join(projectRoot, 'schemas', 'transcript-v1.schema.json'), 'utf8'));
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
ajv.addSchema(schema);

/** A validator for one of the schema's definitions, or for the whole. */
function allows(definition: string | null, value: unknown): boolean {
  const path = definition === null ? '' : `#/$defs/${definition}`;
  const validate = ajv.getSchema(`transcript-v1.schema.json${path}`)!;
  return validate(value) as boolean;
}

test('json is one document that the schema allows', () => {
  const document = JSON.parse(write('json', SEGMENTS));
  assert.ok(allows('document', document), JSON.stringify(ajv.errors));
  assert.ok(allows(null, document));
  assert.deepEqual(
    [document.schema, document.version, document.input],
    ['qwen-asr-transcript', 1, 'talk.wav'],
  );
  assert.equal(document.text, 'Good morning. A <b> & c\n\nd');
  assert.equal(document.language, 'English');
  assert.deepEqual(document.tokenIds, [10, 11, 151645, 10, 13, 151645, 10, 14, 151645]);
  assert.deepEqual([document.promptTokens, document.audioTokens, document.textTokens], [120, 78, 3]);
  assert.equal(document.realTimeFactor, 1000 / document.durationMs);
  assert.deepEqual(
    [document.heardMs, ...document.segments.map((segment: { heardMs: number }) => segment.heardMs)],
    [6000, 2000, 0, 2000, 2000],
  );
  assert.deepEqual(
    document.segments.map((segment: { index: number; startMs: number }) => [segment.index, segment.startMs]),
    [
      [0, 0],
      [1, 2000],
      [2, 4000],
      [3, 3_661_001.5],
    ],
  );
});

test('what cannot be known is null', () => {
  const document = JSON.parse(write('json', SEGMENTS));
  assert.equal(document.raw, null); // of four segments
  const [first, left, silent] = document.segments;
  assert.deepEqual([first.logProbabilities, first.raw], [null, 'language English<asr_text>Good morning.']);
  assert.deepEqual([left.skipped, left.language, left.raw, left.timings], [true, null, null, null]);
  assert.deepEqual([silent.skipped, silent.language, silent.raw], [false, null, 'language None<asr_text>']);
  assert.ok(!('decodeStepsMs' in first.timings));
  const nobody = JSON.parse(write('json', [skipped(0)]));
  assert.deepEqual([nobody.text, nobody.language, nobody.raw, nobody.tokenIds], ['', null, null, []]);
  assert.equal(JSON.parse(write('json', [segmentSaying('Hello.')])).raw, 'language English<asr_text>Hello.');
});

test('log-probabilities are listed on demand', () => {
  const document = JSON.parse(write('json', SEGMENTS, true));
  assert.deepEqual(document.segments[0].logProbabilities, [-0.5, -0.25, -0.125]);
  assert.deepEqual(document.segments[1].logProbabilities, []);
  assert.ok(allows('document', document), JSON.stringify(ajv.errors));
});

test('jsonl is a line for every segment, and one for the recording', () => {
  const lines = write('jsonl', SEGMENTS, true).split('\n');
  assert.equal(lines.pop(), '');
  const documents = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    documents.map(({ type, input }) => [type, input]),
    [...SEGMENTS.map(() => ['segment', 'talk.wav']), ['transcript', 'talk.wav']],
  );
  for (const document of documents) assert.ok(allows(null, document), JSON.stringify(document));
  const { segments, ...whole } = JSON.parse(write('json', SEGMENTS, true));
  assert.deepEqual(documents.at(-1), { type: 'transcript', ...whole });
  assert.deepEqual(documents[3], { type: 'segment', input: 'talk.wav', ...segments[3] });
});

test('failures and lists of results are in the schema too', () => {
  const failure = failureDocument('a.wav', 'audio', 'a.wav: no');
  const document = JSON.parse(write('json', SEGMENTS));
  for (const value of [failure, { type: 'error', ...failure }, [failure, document], []]) {
    assert.ok(allows(null, value), JSON.stringify(value));
  }
});

test('the schema refuses what a reader could not rely on', () => {
  const document = JSON.parse(write('json', SEGMENTS));
  const [segment] = document.segments;
  for (const damaged of [
    { ...document, version: 2 },
    { ...document, text: null },
    { ...document, language: '' },
    { ...document, segments: [{ ...segment, startMs: '0' }] },
    { ...document, segments: [{ ...segment, timings: {} }] },
    { ...document, segments: undefined, type: 'segment' },
    [{ ...document, tokenIds: [-1] }],
    { type: 'segment', ...segment },
    { ...failureDocument('a', 'audio', ''), type: 'error' },
    null,
    {},
  ]) {
    const value = JSON.parse(JSON.stringify(damaged));
    assert.ok(!allows(null, value), JSON.stringify(value));
  }
  for (const name of Object.keys(document)) {
    const { [name]: _, ...rest } = document;
    // What was added within the version is missing in documents from before.
    assert.equal(allows('document', rest), name === 'heardMs', `without ${name}`);
  }
});
