import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type RecordingListener, transcribeRecordings } from '../../src/cli/transcribeRecordings.js';
import { QwenAsrError } from '../../src/error.js';
import type { RecordingSegment, SegmentOptions, TranscriptSegment } from '../../src/transcribe/types.js';
import { FakeModel } from '../bench/fakeModel.js';
import { oneLineError } from '../model/support/oneLineError.js';
import { wavOf16Bit } from '../support/wavWriter.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-jobs-'));
after(() => rmSync(scratch, { recursive: true }));

/** Codes that make a model fail. */
const POISON = 12_345;
const SECOND = 16_000;

function recording(name: string, seconds: number, codeAt?: [second: number, code: number]) {
  const codes = new Array<number>(seconds * SECOND).fill(100);
  if (codeAt !== undefined) codes[codeAt[0] * SECOND] = codeAt[1];
  const input = join(scratch, name);
  writeFileSync(input, wavOf16Bit(codes));
  return { input, name };
}

/** Takes in up to three segments before it gives one back, and fails at the poison, as a batch does. */
class BatchModel extends FakeModel {
  calls = 0;

  override async *transcribeSegments(
    segments: AsyncIterable<RecordingSegment>,
    options: SegmentOptions = {},
  ): AsyncGenerator<TranscriptSegment, void, undefined> {
    this.calls++;
    const held: RecordingSegment[] = [];
    for await (const segment of segments) {
      if (segment.samples.includes(Math.fround(POISON / 32_768)))
        throw new QwenAsrError('numeric', 'layer 3: NaN');
      held.push(segment);
      if (held.length === 3) yield* super.transcribeSegments(held.splice(0, 1), options);
    }
    yield* super.transcribeSegments(held, options);
  }
}

/** Writes down all calls. */
function listener() {
  const log: string[] = [];
  const events: RecordingListener = {
    opening: () => {},
    opened: ({ recording: { name } }) => log.push(`${name} opened`),
    segment: ({ recording: { name } }, { index }) => log.push(`${name} ${index}`),
    finished: ({ recording: { name } }, { segments }) => log.push(`${name} has ${segments.length}`),
    failed: ({ recording: { name } }, { message }) =>
      log.push(`${name} failed: ${message.replace(scratch, '')}`),
  };
  return { log, events };
}

const of = (log: readonly string[], name: string) => log.filter((line) => line.startsWith(name));
const options = { segmentMs: 1000 };

test('every recording gets its own segments, although they are computed together', async () => {
  const { log, events } = listener();
  const recordings = [recording('a.wav', 1), recording('b.wav', 3), recording('c.wav', 1)];
  const model = new BatchModel();
  await transcribeRecordings(model, recordings, options, events);
  assert.equal(model.calls, 1);
  assert.deepEqual(of(log, 'a'), ['a.wav opened', 'a.wav 0', 'a.wav has 1']);
  assert.deepEqual(of(log, 'c'), ['c.wav opened', 'c.wav 0', 'c.wav has 1']);
  const [last] = of(log, 'b').slice(-1);
  const count = of(log, 'b').length - 2;
  assert.equal(last, `b.wav has ${count}`);
  assert.ok(log.indexOf('b.wav opened') < log.indexOf('a.wav has 1'), 'they overlap');
});

test('one that cannot be read fails, the rest goes on', async () => {
  const { log, events } = listener();
  const empty = recording('empty.wav', 0);
  const missing = { input: join(scratch, 'missing.wav'), name: 'missing.wav' };
  const text = { input: join(scratch, 'text.wav'), name: 'text.wav' };
  writeFileSync(text.input, 'no recording');
  await transcribeRecordings(
    new BatchModel(),
    [missing, recording('a.wav', 2), empty, text, recording('b.wav', 1)],
    options,
    events,
  );
  assert.deepEqual(of(log, 'missing'), ['missing.wav failed: /missing.wav: no such file or directory']);
  assert.equal(of(log, 'empty').length, 1);
  assert.match(of(log, 'empty')[0]!, /failed/);
  assert.match(of(log, 'text')[0]!, /failed/);
  assert.equal(of(log, 'a').at(-1), `a.wav has ${of(log, 'a').length - 2}`);
  assert.deepEqual(of(log, 'b'), ['b.wav opened', 'b.wav 0', 'b.wav has 1']);
});

test('one that cannot be computed fails alone: the others of its batch are tried again', async () => {
  const { log, events } = listener();
  const recordings = [
    recording('a.wav', 1),
    recording('bad.wav', 3, [2, POISON]),
    recording('c.wav', 1),
    recording('worse.wav', 1, [0, POISON]),
    recording('d.wav', 2),
  ];
  await transcribeRecordings(new BatchModel(), recordings, options, events);
  for (const name of ['bad', 'worse']) {
    assert.equal(of(log, name).at(-1), `${name}.wav failed: layer 3: NaN`);
    assert.equal(of(log, name).filter((line) => line.includes('failed')).length, 1);
  }
  for (const name of ['a', 'c', 'd']) {
    const lines = of(log, `${name}.wav`);
    const segments = lines.slice(1, -1);
    assert.equal(lines[0], `${name}.wav opened`);
    assert.deepEqual(
      segments,
      segments.map((_, index) => `${name}.wav ${index}`),
    );
    assert.equal(lines.at(-1), `${name}.wav has ${segments.length}`);
  }
});

test('what is wrong with all of them is thrown', async () => {
  class Refusing extends FakeModel {
    override transcribeSegments(): never {
      throw new QwenAsrError('usage', 'language: no');
    }
  }
  const { log, events } = listener();
  await assert.rejects(
    transcribeRecordings(new Refusing(), [recording('a.wav', 1)], {}, events),
    oneLineError('usage'),
  );
  assert.deepEqual(log, []);
});

test('a signal ends it', async () => {
  const abort = new AbortController();
  const model = new BatchModel();
  model.onCall = () => {
    abort.abort();
    throw new QwenAsrError('aborted', 'stopped');
  };
  const { log, events } = listener();
  const recordings = [recording('a.wav', 2), recording('b.wav', 2)];
  await assert.rejects(
    transcribeRecordings(model, recordings, { ...options, signal: abort.signal }, events),
    oneLineError('aborted'),
  );
  assert.ok(
    log.every((line) => line.endsWith('opened')),
    log.join(),
  );
});
