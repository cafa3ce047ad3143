import { closeSync, openSync, writeSync } from 'node:fs';
import { memoryUsage } from 'node:process';
import type { PhaseName } from '../phases.js';
import type { PeakMemory } from '../schema/runRecord.js';
import { SystemFile } from './systemFile.js';

/** The peak resident set size since the last {@link PeakSource.next}, in bytes. */
interface PeakSource {
  /** Reads the peak and begins the next interval. */
  next(): number;
  close(): void;
}

/**
 * Peak resident memory by phase. Linux keeps a high-water mark that can be reset, so a peak between two marks is seen
 * however short it is; elsewhere memory is looked at when phases end. A mark takes some ten microseconds.
 *
 * @example
 * const meter = new MemoryMeter();
 * meter.start();
 * meter.mark('mel'); // when that phase has ended
 * const { mel, run } = meter.stop();
 */
export class MemoryMeter {
  readonly #source: PeakSource = resettablePeak() ?? sampledPeak();
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

function sampledPeak(): PeakSource {
  return { next: () => memoryUsage.rss(), close: () => {} };
}

/** The number after a name, as in `VmHWM:\t  123456 kB`. */
function kilobytesOf(status: Buffer, name: string): number {
  const start = status.indexOf(name) + name.length;
  return Number.parseInt(status.toString('latin1', start, start + 24), 10);
}
