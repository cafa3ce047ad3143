import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadNotes, loadTable } from '../../../src/bench/document/loadSection.js';
import type { EndedRequest } from '../../../src/bench/load/runLevel.js';
import { runLiveLevel } from '../../../src/bench/load/runLiveLevel.js';
import type { LoadLevel } from '../../../src/bench/plan/endpointPlan.js';
import { PAUSE_MS, type ScriptedRealtime, startScriptedRealtime } from '../support/scriptedRealtime.js';
import { loadResult, simulateLevel } from '../support/simulatedServer.js';

const DELAY_MS = 200;
/** Speech of three chunks of a microphone. */
const SPEECH_MS = 300;
const SPEECH = new Float32Array(SPEECH_MS * 16).fill(0.5);
const RECORDING = {
  path: 'a.wav',
  name: 'a.wav',
  bytes: new Uint8Array(0),
  samples: SPEECH,
  durationMs: SPEECH_MS,
};

let server: ScriptedRealtime;

before(async () => {
  server = await startScriptedRealtime(DELAY_MS);
});

after(() => server.close());

async function speak(sessions: number, timeoutMs = 5000) {
  const ended: EndedRequest[] = [];
  const end = await runLiveLevel({
    ...{ sessions, rampMs: 0, durationMs: 1000, recordings: [RECORDING] },
    endpoint: { base: new URL(`${server.address}/v1/`), key: 'sk-secret', timeoutMs },
    wanted: { model: 'm', language: undefined },
    onRequest: (request) => ended.push(request),
    signal: new AbortController().signal,
  });
  return { ended, end };
}

test('the delay is the pause that the server waits for and its own time, the first text that of a chunk', async () => {
  const { ended, end } = await speak(3);
  assert.equal(end, null);
  assert.equal(ended.length, 3);
  for (const { intendedMs, sentMs, endMs, outcome } of ended) {
    assert.ok(outcome.failure === null, JSON.stringify(outcome));
    assert.equal(outcome.text, 'good morning');
    const delayMs = endMs - intendedMs;
    // What the resampling filter rings on is silence a chunk later.
    assert.ok(delayMs >= PAUSE_MS + DELAY_MS - 5 && delayMs < PAUSE_MS + DELAY_MS + 250, `${delayMs} ms`);
    const firstMs = sentMs + (outcome.firstTextMs ?? 0) - intendedMs;
    assert.ok(firstMs >= 95 && firstMs < 250, `${firstMs} ms`);
  }
  // Nobody begins in step with another.
  const starts = ended.map(({ intendedMs }) => intendedMs).sort((a, b) => a - b);
  assert.ok(starts[1]! - starts[0]! > 200 && starts[2]! - starts[1]! > 200, `${starts}`);
  assert.equal(server.headers.at(-1), 'Bearer sk-secret');
});

test('what goes wrong with a session has a kind', async () => {
  const kindOf = async (timeoutMs?: number) => {
    const { ended } = await speak(1, timeoutMs);
    return ended.map(({ outcome }) => [outcome.failure, outcome.failure === null ? '' : outcome.detail]);
  };
  server.fault = 'error';
  assert.deepEqual(await kindOf(), [['stream_error', 'the model broke']]);
  server.fault = 'close';
  assert.equal((await kindOf())[0]?.[0], 'cut');
  server.fault = 'silent';
  assert.deepEqual(await kindOf(300), [['timeout', 'no text within 0.3 s']]);
  server.fault = null;
  server.refusal = 429;
  assert.deepEqual(await kindOf(), [['busy', 'HTTP 429']]);
  server.refusal = 404;
  assert.deepEqual(await kindOf(), [['rejected', 'HTTP 404']]);
  server.close();
  const gone = await speak(2);
  assert.equal(gone.end, 'gone');
  assert.deepEqual(
    gone.ended.map(({ outcome }) => outcome.failure),
    ['connection', 'connection'],
  );
});

test('how many sessions hold a delay is said of p95, and only where enough was spoken', async () => {
  const levels = [1, 4, 8, 16].map((clients): LoadLevel => ({ kind: 'closed', clients }));
  // 4 workers of 200 ms: 8 wait for 400 ms, 16 for 800 ms.
  const simulated = await Promise.all(
    levels.map(async (level) => {
      const options = { durationMs: 40_000 };
      return { level, ...(await simulateLevel({ workers: 4, serviceMs: 200 }, level, options)) };
    }),
  );
  const live = { durationMs: 40_000, protocol: 'realtime', maxDelayMs: 500 } as const;
  const notes = loadNotes(loadResult(simulated, live)).join('\n');
  assert.match(notes, /held by 8 sessions: a p95 delay of 0\.5000 s; not by 16 sessions/);
  assert.match(notes, /at the pace of the recordings/);
  assert.doesNotMatch(notes, /knee|closed loop/);
  const few = simulated.map(({ level, ended }) => ({ level, ended: ended.slice(0, 129) }));
  const table = loadTable(loadResult(few, live));
  assert.deepEqual(
    table.header.filter((title) => title.startsWith('delay')),
    ['delay p50 ms', 'delay p90 ms'],
  );
  assert.match(loadNotes(loadResult(few, live)).join('\n'), /too few segments to tell/);
  const slow = loadNotes(loadResult(simulated, { ...live, maxDelayMs: 100 })).join('\n');
  assert.match(slow, /not held by 1 session: a p95 delay of 0\.1000 s/);
});
