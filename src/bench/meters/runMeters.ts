import { closeSync, openSync, writeSync } from 'node:fs';
import { memoryUsage, resourceUsage } from 'node:process';
import type { PhaseName } from '../phases.js';
import type { Interference, PeakMemory } from '../schema/runRecord.js';
import { type InterferenceCounters, InterferenceMeter } from './interferenceMeter.js';
import { SystemFile } from './systemFile.js';

/** What was observed around one timed call. */
export interface Observed<Result> {
  readonly result: Result;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Wall time of the call. */
  readonly totalMs: number;
  /** Null where nothing of it can be read: in browsers. */
  readonly interference: Interference | null;
  readonly memory: PeakMemory | null;
}

/** The meters of a process, read before and after each timed call, and at the ends of its phases. */
export class RunMeters {
  readonly memory = new MemoryMeter();
  readonly #interference = new InterferenceMeter();

  /** Makes a call and times it. */
  async observe<Result>(call: () => Promise<Result>): Promise<Observed<Result>> {
    const before: InterferenceCounters = this.#interference.read();
    this.memory.start();
    const startedAt = new Date().toISOString();
    const startMs = performance.now();
    const result = await call();
    const totalMs = performance.now() - startMs;
    const memory = this.memory.stop();
    return { result, startedAt, totalMs, interference: this.#interference.since(before), memory };
  }

  close(): void {
    this.memory.close();
    this.#interference.close();
  }
}

/** The peak resident set size since the last {@link PeakSource.next}, in bytes. */
interface PeakSource {
  /** Reads the peak and begins the next interval. */
  next(): number;
  close(): void;
}

/**
 * Peak resident memory by phase. Linux keeps a high-water mark that can be reset, so a peak between two marks is seen
 * however short it is; elsewhere a peak is seen when it is the highest so far, and memory is looked at when phases end. A mark takes some ten microseconds.
 *
 * @example
 * const meter = new MemoryMeter();
 * meter.start();
 * meter.mark('mel'); // when that phase has ended
 * const { mel, run } = meter.stop();
 */
export class MemoryMeter {
  readonly #source: PeakSource =
    resettablePeak() ?? risingPeak(() => resourceUsage().maxRSS * 1024, memoryUsage.rss);
  readonly #peaks = new Map<PhaseName, number>();
  #runPeak = 0;

  /** Begins a run: forgets everything before. */
  start(): void {
    this.#peaks.clear();
    this.#runPeak = 0;
    this.#source.next();
  }

  /** Ends a phase; everything since the last mark was part of it. A phase may end several times. */
  mark(phase: PhaseName): void {
    const peak = this.#source.next();
    this.#peaks.set(phase, Math.max(peak, this.#peaks.get(phase) ?? 0));
    this.#runPeak = Math.max(peak, this.#runPeak);
  }

  /** Ends the run. */
  stop(): PeakMemory & { readonly run: number } {
    const run = Math.max(this.#source.next(), this.#runPeak);
    return { ...Object.fromEntries(this.#peaks), run };
  }

  close(): void {
    this.#source.close();
  }
}

/** proc(5): writing 5 to clear_refs resets VmHWM to the present size. Null where the system has or allows neither. */
function resettablePeak(): PeakSource | null {
  const status = SystemFile.open('/proc/self/status');
  if (status === null) return null;
  try {
    const reset = openSync('/proc/self/clear_refs', 'w');
    const five = Buffer.from('5');
    writeSync(reset, five);
    return {
      next: () => {
        const peak = kilobytesOf(status.read(), 'VmHWM:') * 1024;
        writeSync(reset, five);
        return peak;
      },
      close: () => {
        status.close();
        closeSync(reset);
      },
    };
  } catch {
    status.close();
    return null;
  }
}

/**
 * Where the mark stays for the life of the process: a peak that was higher than all before, else what is resident now.
 *
 * @param highest the mark, in bytes
 */
export function risingPeak(highest: () => number, now: () => number): PeakSource {
  let before = highest();
  return {
    next: () => {
      const mark = highest();
      const rose = mark > before;
      before = mark;
      return rose ? mark : now();
    },
    close: () => {},
  };
}

/** The number after a name, as in `VmHWM:\t  123456 kB`. */
function kilobytesOf(status: Buffer, name: string): number {
  const start = status.indexOf(name) + name.length;
  return Number.parseInt(status.toString('latin1', start, start + 24), 10);
}
