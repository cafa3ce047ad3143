import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playRecording } from '../../../src/bench/stream/playRecording.js';
import { QwenAsrError } from '../../../src/error.js';
import type { SpeechStream, StreamEvent } from '../../../src/transcribe/live/streamTypes.js';

const SECOND = 16_000;

/**
 * A stream that makes a step of what it has as soon as there is a chunk of it, and takes its time: a mocked clock goes on
 * while it computes.
 */
class SlowStream implements SpeechStream {
  readonly writes: number[] = [];
  isClosed = false;
  #samples = 0;
  #stepped = 0;
  readonly #events: StreamEvent[] = [];
  #isFinished = false;
  #wake = (): void => {};

  readonly #chunkSamples: number;
  readonly #work: () => void;

  constructor(chunkSamples: number, work: () => void) {
    this.#chunkSamples = chunkSamples;
    this.#work = work;
  }

  async write(samples: Float32Array): Promise<void> {
    this.writes.push(samples.length);
    this.#samples += samples.length;
    if (this.#samples - this.#stepped >= this.#chunkSamples) await this.#step();
  }

  async finish(): Promise<void> {
    await this.#step();
    this.#isFinished = true;
    this.#wake();
  }

  async #step(): Promise<void> {
    this.#stepped = this.#samples;
    this.#work();
    this.#events.push({ audioMs: this.#samples / 16 } as StreamEvent);
    this.#wake();
    await new Promise(setImmediate);
  }

  endSegment(): void {}

  clear(): void {}

  async close(): Promise<void> {
    this.isClosed = true;
    this.#isFinished = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    for (;;) {
      yield* this.#events.splice(0);
      if (this.#isFinished) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

test('on the simulated clock steps take their time, and what is spoken meanwhile waits', async (t) => {
  let nowMs = 5000;
  t.mock.method(performance, 'now', () => nowMs);
  const stepMs = [150, 2350, 400, 70, 30];
  const stream = new SlowStream(2 * SECOND, () => {
    nowMs += stepMs.shift()!;
  });
  const heard = await playRecording(stream, new Float32Array(9.55 * SECOND), { pace: 'simulated' });
  assert.deepEqual(
    heard.map(({ atMs, event }) => [atMs, event.audioMs]),
    [
      [2150, 2000], // 2 s had been spoken, and the step took 0.15 s
      [6350, 4000], // the next chunk was there at 4 s, but its step took 2.35 s
      [6750, 6300], // in which 2.3 s were spoken, in whole pieces of 0.1 s: all of them at once
      [8370, 8300], // 0.4 s of them had been spoken during that step, 1.6 s came after it
      [9580, 9550],
    ],
  );
  assert.equal(nowMs, 5000 + 3000, 'no time but that of the steps has passed');
  assert.ok(stream.writes.includes(2.3 * SECOND));
  assert.ok(stream.isClosed);
});

test("at the recording's pace audio comes when it was spoken, and waits for nobody", async () => {
  const stream = new SlowStream(SECOND, () => {});
  let release = (): void => {};
  const taken = new Promise<void>((resolve) => {
    release = resolve;
  });
  const write = stream.write.bind(stream);
  stream.write = async (samples) => {
    await write(samples);
    await taken; // nothing is taken before the end
  };
  const finish = stream.finish.bind(stream);
  stream.finish = async () => {
    release();
    await finish();
  };
  const startMs = performance.now();
  const heard = await playRecording(stream, new Float32Array(0.45 * SECOND), { pace: 'recording' });
  assert.deepEqual(stream.writes, [1600, 1600, 1600, 1600, 800]);
  assert.equal(heard.length, 1);
  assert.ok(heard[0]!.atMs >= 449 && heard[0]!.atMs <= performance.now() - startMs, `${heard[0]!.atMs}`);
});

for (const pace of ['simulated', 'recording'] as const) {
  test(`${pace}: what is not taken is an error, not a gap`, async () => {
    const stream = new SlowStream(SECOND, () => {});
    stream.write = async () => {
      throw new QwenAsrError('memory', '61 s wait');
    };
    await assert.rejects(playRecording(stream, new Float32Array(800), { pace }), { code: 'memory' });
    assert.ok(stream.isClosed);
  });
}
