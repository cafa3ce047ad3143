import { cpus, loadavg } from 'node:os';
import { cpuUsage, resourceUsage } from 'node:process';
import type { Interference } from '../schema/runRecord.js';
import { SystemFile } from './systemFile.js';

/*
 * When a run counts as noisy. None of these happens on a quiet machine; each of them is seen in the times. The counters
 * of /proc/stat tick 100 times a second (USER_HZ), so a few ticks in a short run say nothing.
 */
const TICK_MS = 10;
const FEWEST_TICKS = 3;
/** Share of the CPUs' time that the hypervisor took. */
const STEAL_LIMIT = 0.01;
/** Share of the CPUs' time that other processes took. */
const OTHERS_LIMIT = 0.05;
/** Share of the run in which some task had to wait for a CPU. */
const PRESSURE_LIMIT = 0.1;
/**
 * Preemptions a second, and how many there must be at least: the garbage collector and the compiler of Node preempt the
 * engine's own threads a few dozen times in a short run.
 */
const PREEMPTION_LIMIT = 500;
const FEWEST_PREEMPTIONS = 100;

/** Counters of the system and the process; those that it does not have are null. */
export interface InterferenceCounters {
  readonly atMs: number;
  readonly stealMs: number | null;
  /** CPU time that all processes used, over all CPUs. */
  readonly busyMs: number | null;
  /** Time in which some task waited for a CPU. */
  readonly pressureMs: number | null;
  /** CPU time that this process used. */
  readonly ownMs: number;
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
}

/**
 * Watches what else happens on the machine during a run.
 *
 * @example
 * const meter = new InterferenceMeter();
 * const before = meter.read();
 * const { noisy, reasons } = meter.since(before);
 */
export class InterferenceMeter {
  readonly #stat = SystemFile.open('/proc/stat');
  readonly #pressure = SystemFile.open('/proc/pressure/cpu');
  readonly #cpus = cpus().length;

  read(): InterferenceCounters {
    const { user, system } = cpuUsage();
    const usage = resourceUsage();
    return {
      atMs: performance.now(),
      ...parseStat(this.#stat?.read().toString('latin1', 0, 256)),
      pressureMs: parsePressure(this.#pressure?.read().toString('latin1', 0, 128)),
      ownMs: (user + system) / 1000,
      voluntarySwitches: usage.voluntaryContextSwitches,
      involuntarySwitches: usage.involuntaryContextSwitches,
    };
  }

  /** What happened since an earlier reading. */
  since(before: InterferenceCounters): Interference {
    const load1 = process.platform === 'win32' ? null : (loadavg()[0] ?? null);
    return interferenceBetween(before, this.read(), { cpus: this.#cpus, load1 });
  }

  close(): void {
    this.#stat?.close();
    this.#pressure?.close();
  }
}

/** The machine as it is for a run, beside the counters. */
export interface InterferenceSetting {
  /** CPUs of the whole machine, which /proc/stat adds up. */
  readonly cpus: number;
  /** Load average over one minute; null where the system has none. */
  readonly load1: number | null;
}

/** What happened between two readings, and whether that makes the run noisy. */
export function interferenceBetween(
  before: InterferenceCounters,
  after: InterferenceCounters,
  { cpus, load1 }: InterferenceSetting,
): Interference {
  const runMs = Math.max(after.atMs - before.atMs, Number.EPSILON);
  const stealMs = difference(before.stealMs, after.stealMs);
  const busyMs = difference(before.busyMs, after.busyMs);
  const pressureMs = difference(before.pressureMs, after.pressureMs);
  const otherCpuMs = busyMs === null ? null : Math.max(0, busyMs - (after.ownMs - before.ownMs));
  const cpuPressure = pressureMs === null ? null : Math.min(1, pressureMs / runMs);
  const involuntarySwitches = after.involuntarySwitches - before.involuntarySwitches;
  const reasons = [
    ...ofAllCpus('steal', stealMs, STEAL_LIMIT, runMs * cpus),
    ...ofAllCpus('other processes', otherCpuMs, OTHERS_LIMIT, runMs * cpus),
    ...(cpuPressure !== null && cpuPressure > PRESSURE_LIMIT && runMs >= FEWEST_TICKS * TICK_MS
      ? [`CPU pressure ${percent(cpuPressure)}`]
      : []),
    ...(involuntarySwitches >= FEWEST_PREEMPTIONS && involuntarySwitches / (runMs / 1000) > PREEMPTION_LIMIT
      ? [`${involuntarySwitches} preemptions`]
      : []),
  ];
  return {
    stealMs,
    cpuPressure,
    otherCpuMs,
    voluntarySwitches: after.voluntarySwitches - before.voluntarySwitches,
    involuntarySwitches,
    load1,
    noisy: reasons.length > 0,
    reasons,
  };
}

function ofAllCpus(what: string, ms: number | null, limit: number, availableMs: number): string[] {
  if (ms === null || ms < FEWEST_TICKS * TICK_MS || ms / availableMs <= limit) return [];
  return [`${what} ${percent(ms / availableMs)}`];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : Math.max(0, after - before);
}

/** proc(5): `cpu  user nice system idle iowait irq softirq steal …` in ticks; guest time is part of user time. */
export function parseStat(text: string | undefined): Pick<InterferenceCounters, 'stealMs' | 'busyMs'> {
  const numbers = /^cpu +(\d+(?: \d+){7})/
    .exec(text ?? '')?.[1]
    ?.split(' ')
    .map(Number);
  if (numbers === undefined) return { stealMs: null, busyMs: null };
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = numbers;
  return { stealMs: TICK_MS * steal, busyMs: TICK_MS * (user + nice + system + irq + softirq) };
}

/** `some avg10=1.27 avg60=5.14 avg300=10.56 total=930405203`, the total in microseconds. */
export function parsePressure(text: string | undefined): number | null {
  const total = /^some .*\btotal=(\d+)/.exec(text ?? '')?.[1];
  return total === undefined ? null : Number(total) / 1000;
}
