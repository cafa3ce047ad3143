import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { cpuUsage } from 'node:process';
import { test } from 'node:test';
import {
  type InterferenceCounters,
  InterferenceMeter,
  interferenceBetween,
  parsePressure,
  parseStat,
} from '../../../src/bench/meters/interferenceMeter.js';

const BEFORE: InterferenceCounters = {
  atMs: 1000,
  stealMs: 500,
  busyMs: 9000,
  pressureMs: 70,
  ownMs: 300,
  voluntarySwitches: 5,
  involuntarySwitches: 40,
};
/** One second later on two CPUs, on which this process alone used both. */
const QUIET: InterferenceCounters = {
  atMs: 2000,
  stealMs: 510,
  busyMs: 11_000,
  pressureMs: 90,
  ownMs: 2300,
  voluntarySwitches: 25,
  involuntarySwitches: 45,
};
const SETTING = { cpus: 2, load1: 1.5 };

test('a quiet run is not noisy, and tells its figures', () => {
  assert.deepEqual(interferenceBetween(BEFORE, QUIET, SETTING), {
    stealMs: 10,
    cpuPressure: 0.02,
    otherCpuMs: 0,
    voluntarySwitches: 20,
    involuntarySwitches: 5,
    load1: 1.5,
    noisy: false,
    reasons: [],
  });
});

const NOISES: readonly [what: string, counters: Partial<InterferenceCounters>, reason: string][] = [
  ['steal', { stealMs: 560 }, 'steal 3.0 %'],
  ['other processes', { busyMs: 11_500 }, 'other processes 25.0 %'],
  ['pressure', { pressureMs: 370 }, 'CPU pressure 30.0 %'],
  ['preemption', { involuntarySwitches: 740 }, '700 preemptions'],
];
for (const [what, counters, reason] of NOISES) {
  test(`${what} makes a run noisy and is named`, () => {
    const { noisy, reasons } = interferenceBetween(BEFORE, { ...QUIET, ...counters }, SETTING);
    assert.deepEqual([noisy, reasons], [true, [reason]]);
  });
}

test('a tick or two in a run of 15 ms says nothing', () => {
  const short = { ...BEFORE, atMs: 1015, stealMs: 510, busyMs: 9020, pressureMs: 75, ownMs: 301 };
  assert.equal(interferenceBetween(BEFORE, short, SETTING).noisy, false);
});

test('what the system does not count is null', () => {
  const missing = { stealMs: null, busyMs: null, pressureMs: null };
  const found = interferenceBetween({ ...BEFORE, ...missing }, { ...QUIET, ...missing }, SETTING);
  assert.deepEqual([found.stealMs, found.otherCpuMs, found.cpuPressure], [null, null, null]);
  assert.equal(found.noisy, false);
});

test('the files of Linux are read as proc(5) describes them', () => {
  const stat =
    'cpu  501931 7 80882 801283 8817 11 675 1881 0 0\ncpu0 245542 0 40512 409107 1545 0 101 924 0 0';
  assert.deepEqual(parseStat(stat), { stealMs: 18_810, busyMs: 10 * (501931 + 7 + 80882 + 11 + 675) });
  assert.deepEqual(parseStat(undefined), { stealMs: null, busyMs: null });
  assert.equal(parsePressure('some avg10=1.27 avg60=5.14 avg300=10.56 total=930405203\nfull'), 930405.203);
  assert.equal(parsePressure(undefined), null);
});

test('a busy second of this process is its own, not that of others', (t) => {
  if (!existsSync('/proc/stat')) return t.skip('this system has no /proc/stat');
  const meter = new InterferenceMeter();
  const before = meter.read();
  const startMs = performance.now();
  const used = cpuUsage();
  // By its own clock, because on a busy machine a second is not a second.
  while (cpuUsage(used).user < 300_000);
  const after = meter.read();
  const since = meter.since(before);
  meter.close();
  const elapsedMs = performance.now() - startMs;
  assert.ok(after.ownMs - before.ownMs >= 300);
  assert.ok(after.busyMs! - before.busyMs! >= 250, `${after.busyMs! - before.busyMs!}`);
  assert.ok(after.busyMs! - before.busyMs! < elapsedMs * cpus().length + 100);
  assert.ok(since.otherCpuMs !== null && since.load1 !== null);
});
