import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findKnee } from '../../../src/bench/analysis/summarizeLoad.js';
import { compareResults } from '../../../src/bench/compare/compareResults.js';
import { parseFailCondition } from '../../../src/bench/compare/failCondition.js';
import { loadNotes, loadTable } from '../../../src/bench/document/loadSection.js';
import type { LoadLevel } from '../../../src/bench/plan/endpointPlan.js';
import { loadResult, type SimulatedServer, simulateLevel } from '../support/simulatedServer.js';

/** Four at a time, 200 ms each: at most 20 requests a second, of 1 s of audio. */
const SERVER = { workers: 4, serviceMs: 200 };

function simulate(server: SimulatedServer, levels: readonly LoadLevel[]) {
  const options = { rampMs: 2000, durationMs: 20_000 };
  const runs = levels.map(async (level) => ({ level, ...(await simulateLevel(server, level, options)) }));
  return Promise.all(runs).then((ended) => loadResult(ended, options));
}

const clients = (count: number): LoadLevel => ({ kind: 'closed', clients: count });
const rate = (ratePerSecond: number): LoadLevel => ({ kind: 'open', ratePerSecond });

test('audio a second of a closed loop is clients ÷ service time until the workers are full', async () => {
  const { cells } = await simulate(SERVER, [1, 2, 4, 8, 16].map(clients));
  const rates = cells.map(({ load }) => load?.audioRate ?? 0);
  [5, 10, 20, 20, 20].forEach((expected, index) => {
    assert.ok(Math.abs(rates[index]! - expected) < 0.02 * expected, `${rates}`);
  });
  const medians = cells.map(({ summary }) => summary?.['total']?.median ?? 0);
  [200, 200, 200, 400, 800].forEach((expected, index) => {
    assert.ok(Math.abs(medians[index]! - expected) < 1e-6, `${medians}`);
  });
  // The metric of comparisons is the same in slices.
  const slices = cells.map(({ summary }) => summary?.['audio_rate']);
  assert.deepEqual(
    slices.map((slice) => slice?.runs),
    [10, 10, 10, 10, 10],
  );
  assert.ok(Math.abs((slices[2]?.median ?? 0) - 20) < 0.4);
});

test('the knee of clients is where the workers are full, that of arrivals the last rate that is kept up with', async () => {
  const closed = findKnee(await simulate(SERVER, [1, 2, 4, 8, 16].map(clients)));
  assert.equal(closed?.cell?.id, 'c=4');
  assert.equal(closed?.isPassed, true);
  const unfinished = findKnee(await simulate(SERVER, [1, 2, 4].map(clients)));
  assert.deepEqual([unfinished?.cell?.id, unfinished?.isPassed], ['c=4', false]);
  const open = findKnee(await simulate(SERVER, [5, 10, 15, 25, 40].map(rate)));
  assert.deepEqual([open?.cell?.id, open?.isPassed], ['rate=15', true]);
  const beyond = findKnee(await simulate(SERVER, [30, 40, 50].map(rate)));
  assert.equal(beyond?.cell, null);
  assert.equal(findKnee(await simulate(SERVER, [1, 2].map(clients))), null);
});

test('an overloaded open loop is credited with what was answered, not with what waited', async () => {
  const { cells } = await simulate(SERVER, [rate(40)]);
  const [load] = cells.map((cell) => cell.load);
  assert.ok(Math.abs((load?.audioRate ?? 0) - 20) < 0.4, `${load?.audioRate}`);
  assert.ok(Math.abs((load?.offeredAudioRate ?? 0) - 40) < 4, `${load?.offeredAudioRate}`);
});

test('percentiles are shown from the numbers of answers that support them', async () => {
  const table = loadTable(await simulate(SERVER, [1, 4].map(clients)));
  // 100 answers have a p90 (64), 400 no p99 (662).
  const shown = table.header.filter((title) => title.startsWith('end'));
  assert.deepEqual(shown, ['end p50 ms', 'end p90 ms']);
  const result = await simulate(SERVER, [1, 4].map(clients));
  assert.ok(loadNotes(result).some((note) => note.startsWith('p99 needs 662 answers')));
});

test('failures are counted by kind and stay out of the times; other texts are counted', async () => {
  let sent = 0;
  const { ended } = await simulateLevel(SERVER, rate(10), {
    send: async () => {
      sent++;
      if (sent % 10 === 0) return { failure: 'timeout', status: null, detail: 'no answer within 1 s' };
      if (sent % 10 === 5) return { failure: 'busy', status: 429, detail: 'the queue is full' };
      const text = sent === 13 ? 'b' : 'a';
      return { failure: null, text, language: null, firstTextMs: 0 };
    },
  });
  const result = loadResult([{ level: rate(10), ended }]);
  const load = result.cells[0]?.load ?? assert.fail();
  const tenths = Math.floor(ended.length / 10);
  assert.deepEqual(load.failures, { busy: Math.floor((ended.length + 5) / 10), timeout: tenths });
  assert.equal(load.requests, ended.length);
  assert.equal(load.textChanges, 1);
  assert.equal(result.cells[0]?.summary?.['total']?.runs, load.answered);
  const notes = loadNotes(result).join('\n');
  assert.match(notes, /timed out \(no answer within 1 s\)/);
  assert.match(notes, /1 of \d+ answers have another text/);
});

test('two load tests are compared by their rate and times, and gates hold them', async () => {
  const before = await simulate(SERVER, [clients(8)]);
  const slower = await simulate({ ...SERVER, serviceMs: 250 }, [clients(8)]);
  const request = {
    ...{ across: new Set<never>(), allowTokenChanges: false, allowancePercent: 2 },
    failIf: ['audio_rate<-10%', 'total>+10%', 'total>+40%'].map(parseFailCondition),
  };
  const a = [{ name: 'before', result: before }];
  const b = [{ name: 'now', result: { ...slower, createdAt: '2026-03-02T12:00:00.000Z' } }];
  const { failures, passed, cells } = compareResults(a, b, request);
  // 250 ÷ 200: times rise by a quarter, the rate falls by a fifth.
  assert.deepEqual(
    failures.map((line) => line.split(' (')[0]),
    ['audio_rate<-10%: -20 %', 'total>+10%: +25 %'],
  );
  assert.equal(passed.length, 1);
  assert.equal(cells[0]?.records.find(({ metric }) => metric === 'total')?.outcome?.verdict, 'slower');
});
