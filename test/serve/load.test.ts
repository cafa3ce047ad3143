import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { readGolden } from '../support/golden.js';
import { processorMs } from '../support/processorMs.js';
import { documentOf, sampleBytes, sampleForm } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const CLIPS = ['timer-en', 'light-en', 'weather-de', 'music-es'];
const CLIENTS = 32;

/** The suite has no minute to spare; QWEN_ASR_LOAD_SECONDS makes it as long as one wants. */
const SECONDS = Number(process.env['QWEN_ASR_LOAD_SECONDS'] ?? 6);

let server: TestServer;

before(async () => {
  server = await startServer();
});

after(() => server.stop());

test(`${CLIENTS} clients for ${SECONDS} s: each has its own text, memory stays flat, and then nothing runs`, async () => {
  const bodies = CLIPS.map((name) => sampleBytes(name));
  const texts = CLIPS.map((name) => readGolden(`demo/${name}`).text);
  const endMs = performance.now() + SECONDS * 1000;
  let served = 0;
  const heldMb: number[] = [];
  const client = async (number: number): Promise<void> => {
    for (let i = number; performance.now() < endMs; i++) {
      const form = sampleForm({ stream: i % 3 === 0 ? 'true' : 'false' }, bodies[i % 4]);
      const answer = await fetch(`${server.address}/v1/audio/transcriptions`, { method: 'POST', body: form });
      assert.equal(answer.status, 200);
      const events = (await answer.text()).trim().split('\n\n');
      const last = JSON.parse(events.at(-1)!.replace(/^data: /, ''));
      assert.equal(last.text, texts[i % 4]);
      if (served++ % 50 === 0) heldMb.push(process.memoryUsage().rss / 2 ** 20);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  assert.ok(served >= CLIENTS, `${served} requests`);
  const [early = 0, late = 0] = [heldMb[Math.floor(heldMb.length / 2)], heldMb.at(-1)];
  assert.ok(
    late - early < 100,
    `memory grew from ${early.toFixed()} to ${late.toFixed()} MB in its second half`,
  );
  // A request is over a moment after its client has the last byte.
  const deadlineMs = performance.now() + 2000;
  const working = async (): Promise<number[]> => {
    const { requests, decoding, joining } = await documentOf(await fetch(`${server.address}/health`));
    return [requests, decoding, joining];
  };
  while ((await working()).some((count) => count > 0) && performance.now() < deadlineMs) await setTimeout(20);
  assert.deepEqual(await working(), [0, 0, 0]);
  await setTimeout(200);
  const busyMs = processorMs();
  await setTimeout(500);
  assert.ok(processorMs() - busyMs < 100, 'it computes without requests');
});
