import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeAll, parseFailCondition } from '../../../src/bench/compare/failCondition.js';
import { compareIndependent } from '../../../src/bench/statistics/compareIndependent.js';
import { createRandom } from '../../../src/bench/statistics/random.js';

/*
 * How often noise alone fails a build, with sessions that deviate from each other by 2 % and runs that deviate by 1 %:
 * 2.5 % at the worst, when the truth lies at the threshold, for all cells together. 1,000 experiments stray from that by
 * one point (two standard errors).
 */
const EXPERIMENTS = 1000;

function failures(
  condition: string,
  truth: number,
  cells: number,
  [sessionsA, sessionsB]: readonly [number, number],
): number {
  const random = createRandom(11);
  const session = (factor: number) => {
    const level = factor * Math.exp(0.02 * random.normal());
    return Array.from({ length: 5 }, () => 100 * level * Math.exp(0.01 * random.normal()));
  };
  let failed = 0;
  for (let experiment = 0; experiment < EXPERIMENTS; experiment++) {
    const questions = Array.from({ length: cells }, () => ({
      condition: parseFailCondition(condition),
      prefix: '',
      outcome: compareIndependent(
        Array.from({ length: sessionsA }, () => session(1)),
        Array.from({ length: sessionsB }, () => session(truth)),
      ),
    }));
    if (judgeAll(questions).some((judgement) => judgement.failed)) failed++;
  }
  return failed / EXPERIMENTS;
}

test('a change that is no more than the threshold fails one build of 40 at most', (t) => {
  for (const sessions of [
    [1, 1],
    [3, 3],
    [5, 1],
  ] as const) {
    for (const cells of [1, 8]) {
      const share = failures('total>+3%', 1.03, cells, sessions);
      t.diagnostic(`${sessions.join(' + ')} sessions, ${cells} cells at the threshold: ${share}`);
      assert.ok(share <= 0.035, `${sessions.join(' + ')} sessions, ${cells} cells: ${share}`);
    }
    assert.ok(failures('total>+3%', 1, 1, sessions) <= 0.02);
  }
});

test('a change well beyond the threshold fails, in a rate as in a time', () => {
  assert.ok(failures('total>+3%', 1.12, 1, [3, 3]) > 0.75);
  // Costs of rates: B costs 12 % more, so the rate fell by 10.7 %.
  assert.ok(failures('tokens_per_second<-3%', 1.12, 1, [3, 3]) > 0.75);
  assert.equal(failures('tokens_per_second>+3%', 1.12, 1, [3, 3]), 0);
});
