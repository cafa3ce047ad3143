import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadNotes } from '../../../src/bench/document/loadSection.js';
import { arrivals, type EndedRequest } from '../../../src/bench/load/runLevel.js';
import { loadResult, type SimulatedServer, simulateLevel } from '../support/simulatedServer.js';

const latency = ({ intendedMs, endMs }: EndedRequest): number => endMs - intendedMs;

/** What each arrival waits at one worker, by Lindley's recursion: the waiting time of a queue, without any code of ours. */
function queueLatencies(times: readonly number[], { serviceMs, stall }: SimulatedServer): number[] {
  let freeMs = 0;
  return times.map((arrivalMs) => {
    const readyMs = Math.max(arrivalMs, freeMs);
    const isStalled = stall !== undefined && readyMs >= stall.startMs && readyMs < stall.endMs;
    freeMs = (isStalled ? stall.endMs : readyMs) + serviceMs;
    return freeMs - arrivalMs;
  });
}

test('an open loop sends when the schedule says, and counts from then', async () => {
  const server = { workers: 1, serviceMs: 40 };
  const { ended, end } = await simulateLevel(server, { kind: 'open', ratePerSecond: 20 }, { seed: 3 });
  const times = arrivals(20, 10_000, 3);
  assert.equal(end, null);
  assert.deepEqual(
    ended.map(({ intendedMs }) => intendedMs),
    times,
  );
  const expected = queueLatencies(times, server);
  ended.forEach((request, index) => {
    assert.ok(Math.abs(latency(request) - expected[index]!) < 1e-6, `request ${index}`);
    assert.equal(request.sentMs, request.intendedMs);
  });
});

/** Nothing is answered for two of ten seconds. */
const STALLING = { workers: 1, serviceMs: 2, stall: { startMs: 4000, endMs: 6000 } };

test('a stall counts for all that arrive in it (open loop), and for a waiting client once (closed loop)', async () => {
  const openLevel = { kind: 'open', ratePerSecond: 50 } as const;
  const closedLevel = { kind: 'closed', clients: 1 } as const;
  const open = await simulateLevel(STALLING, openLevel);
  const closed = await simulateLevel(STALLING, closedLevel);
  const slow = (requests: readonly EndedRequest[]) => requests.filter((one) => latency(one) > 100).length;
  const inStall = arrivals(50, 10_000, 1).filter((time) => time >= 4000 && time < 5900).length;
  // Those of the last tenth of a second wait less, and some of the queue behind the stall wait longer.
  assert.ok(slow(open.ended) >= inStall && inStall > 80, `${slow(open.ended)} of ${inStall}`);
  assert.equal(slow(closed.ended), 1);
  assert.ok(closed.ended.length > 3900, `${closed.ended.length}`);

  // The percentiles: a fifth of all arrivals fell into the stall, so p90 lies in the middle of it; the client saw 4 ms.
  const [openCell] = loadResult([{ level: openLevel, ...open }]).cells;
  const [closedCell] = loadResult([{ level: closedLevel, ...closed }]).cells;
  const p90 = (cell: typeof openCell) => {
    const entry = cell?.summary?.['total']?.percentiles.find(({ percent }) => percent === 90);
    return entry?.supported ? entry.value : assert.fail('no p90');
  };
  const sorted = queueLatencies(arrivals(50, 10_000, 1), STALLING).sort((a, b) => a - b);
  const nearest = sorted[Math.ceil(0.9 * sorted.length) - 1]!;
  assert.ok(Math.abs(p90(openCell) - nearest) < 25, `${p90(openCell)} against ${nearest}`);
  assert.ok(nearest > 800 && nearest < 1200, `${nearest}`);
  assert.ok(Math.abs(p90(closedCell) - 2) < 1e-9);
});

test('the output says what a closed loop cannot see, and that an open one can', async () => {
  const server = { workers: 1, serviceMs: 50 };
  const levels = [{ kind: 'closed', clients: 2 } as const, { kind: 'open', ratePerSecond: 4 } as const];
  const [closed = [], open = []] = await Promise.all(
    levels.map(async (level) => loadNotes(loadResult([{ level, ...(await simulateLevel(server, level)) }]))),
  );
  assert.ok(closed.some((note) => /closed loop: .*coordinated omission/.test(note)));
  assert.ok(open.some((note) => /open loop: .*no coordinated omission/.test(note)));
  assert.ok(!open.some((note) => note.includes('closed loop')));
});

test('clients of a closed loop send again once they were answered, and end with the time', async () => {
  const { ended } = await simulateLevel({ workers: 2, serviceMs: 100 }, { kind: 'closed', clients: 4 });
  // Two workers for 10 s, and two requests that had been sent before its end.
  assert.equal(ended.length, 202);
  // Each waits for the one before it, but for the first of each worker.
  assert.deepEqual(
    [...new Set(ended.map(latency))].sort((a, b) => a - b),
    [100, 200],
  );
  const first = ended.find(({ number }) => number === 0)!;
  assert.equal(first.outcome.failure === null && first.outcome.firstTextMs, 50);
});

test('a level ends after so many measured requests', async () => {
  const server = { workers: 1, serviceMs: 100 };
  const level = { kind: 'closed', clients: 3 } as const;
  const { ended } = await simulateLevel(server, level, { rampMs: 1000, requests: 7 });
  assert.equal(ended.filter(({ intendedMs }) => intendedMs >= 1000).length, 7);
  const open = await simulateLevel(server, { kind: 'open', ratePerSecond: 10 }, { requests: 7 });
  assert.equal(open.ended.length, 7);
});

test('a server that is gone ends the level, one that is busy does not', async () => {
  const failing = (failure: 'connection' | 'busy') => async () => ({ failure, status: null, detail: '' });
  for (const level of [
    { kind: 'closed', clients: 4 } as const,
    { kind: 'open', ratePerSecond: 100 } as const,
  ]) {
    const gone = await simulateLevel({ workers: 1, serviceMs: 1 }, level, { send: failing('connection') });
    assert.equal(gone.end, 'gone');
    assert.ok(gone.ended.length <= 28, `${gone.ended.length} requests`);
    const busy = await simulateLevel({ workers: 1, serviceMs: 1 }, level, { send: failing('busy') });
    assert.equal(busy.end, null);
    // A client that was refused waits a tenth of a second: 100 times in 10 s.
    if (level.kind === 'closed') assert.equal(busy.ended.length, 400);
  }
});

test('a level that is stopped tells what was answered', async () => {
  const controller = new AbortController();
  let sent = 0;
  const { ended, end } = await simulateLevel(
    { workers: 1, serviceMs: 1 },
    { kind: 'closed', clients: 2 },
    {
      signal: controller.signal,
      send: async () => {
        if (++sent === 10) controller.abort();
        return { failure: null, text: '', language: null, firstTextMs: null };
      },
    },
  );
  assert.equal(end, 'stopped');
  assert.ok(ended.length >= 8 && ended.length <= 9, `${ended.length}`);
});
