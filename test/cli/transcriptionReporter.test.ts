import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AudioStream } from '../../src/audio/audioStream.js';
import type { ResultSink } from '../../src/cli/resultSinks.js';
import { RecordingJob } from '../../src/cli/transcribeRecordings.js';
import { TranscriptionReporter } from '../../src/cli/transcriptionReporter.js';
import { QwenAsrError } from '../../src/error.js';
import { INFO_1_7B } from '../bench/fakeModel.js';
import { segmentSaying } from '../transcribe/formats/support.js';

const ignore = (): void => {};
const SINK: ResultSink = { segment: ignore, finish: ignore, fail: ignore, close: ignore };
const STREAM = {
  durationMs: 60_000,
  format: 'wav',
  notes: ['talk.wav: a note\u001b[2J'],
} as unknown as AudioStream;

/** A reporter, what it draws, and what it says. */
function open() {
  const drawn: string[] = [];
  const said: string[] = [];
  const recording = { input: 'talk\u001b.wav', name: 'talk.wav' };
  const reporter = new TranscriptionReporter(
    SINK,
    { recordings: [recording, recording], failures: [], several: true },
    {
      args: [],
      signal: new AbortController().signal,
      out: ignore,
      err: (text) => said.push(text),
      outIsTerminal: false,
      errIsTerminal: true,
    },
    { draw: (text) => drawn.push(text), clear: () => drawn.push('') },
  );
  return { drawn, said, reporter, job: new RecordingJob(recording, 1, INFO_1_7B, reporter) };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a recording that takes long to read is said to be read, then how far it is', async () => {
  const { drawn, job } = open();
  await job.open(async () => {
    await pause(700);
    return STREAM;
  });
  job.expect();
  job.deliver(segmentSaying('One.', { endMs: 30_000 }));
  const lines = drawn.filter((line) => line !== '');
  assert.equal(lines[0], '[2/2] talk\\x1b.wav: reading the recording');
  assert.equal(lines[1], '[2/2] talk\\x1b.wav: 0:00 of 1:00');
  assert.match(lines[2]!, /^\[2\/2\] talk\\x1b\.wav: 0:30 of 1:00, \d+\.\dx real time, 0:0[01] left$/);
});

test('one that is read soon, or cannot be, is not', async () => {
  const { drawn, said, job, reporter } = open();
  await assert.rejects(
    job.open(async () => {
      throw new QwenAsrError('audio', 'talk\u001b.wav: expected audio, found none');
    }),
  );
  job.fail(new QwenAsrError('audio', 'talk\u001b.wav: expected audio, found none'));
  reporter.close();
  await pause(700);
  assert.deepEqual([drawn.join(''), said], ['', ['error: talk\\x1b.wav: expected audio, found none\n']]);
});

test('notes come without control characters', async () => {
  const { said, job } = open();
  await job.open(async () => STREAM);
  job.endOfAudio();
  assert.deepEqual(said, ['note: talk.wav: a note\\x1b[2J\n']);
});
