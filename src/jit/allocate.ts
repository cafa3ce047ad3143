import { QwenAsrError } from '../error.js';
import type { Instruction, IntReg, KernelCode, VecReg } from './ir.js';
import { registersUsed } from './registerUse.js';

/** Physical register numbers: of each virtual register, and the scratch ones of single instructions. */
export interface Allocation {
  readonly int: readonly number[];
  readonly vec: readonly number[];
  /** Hidden counter register of each `loop`. */
  readonly loopCounters: ReadonlyMap<Instruction, number>;
  /** Vector registers that are free while an instruction runs, as many as it asked for. */
  readonly temporaries: ReadonlyMap<Instruction, readonly number[]>;
}

interface Interval {
  readonly file: 'int' | 'vec';
  start: number;
  end: number;
  readonly assign: (physical: number) => void;
}

/**
 * Gives every virtual register a physical one for its whole life: from its first write to its last use, or to the end
 * of the outermost loop that uses it and did not define it. What a loop defines is written anew in every iteration
 * before it is read (checkDefiniteAssignment), so it need not outlive one. Inclusive at both ends, so that a destination
 * never shares a register with an operand and lowerings of several instructions need not care. Nothing is ever spilled.
 *
 * @throws QwenAsrError `internal` when the kernel needs more registers than the pools hold, or reads before it writes.
 */
export function allocateRegisters(
  code: KernelCode,
  pools: { int: readonly number[]; vec: readonly number[] },
  temporariesOf: (instruction: Instruction) => number,
): Allocation {
  const int: number[] = new Array(code.intCount).fill(-1);
  const vec: number[] = new Array(code.vecCount).fill(-1);
  const loopCounters = new Map<Instruction, number>();
  const temporaries = new Map<Instruction, number[]>();
  const intervals = liveIntervals(code, int, vec, loopCounters, temporaries, temporariesOf);
  scan(code.name, intervals, pools);
  return { int, vec, loopCounters, temporaries };
}

function liveIntervals(
  code: KernelCode,
  int: number[],
  vec: number[],
  loopCounters: Map<Instruction, number>,
  temporaries: Map<Instruction, number[]>,
  temporariesOf: (instruction: Instruction) => number,
): Interval[] {
  const intervals: Interval[] = [];
  const known = new Map<string, Interval>();
  let position = 0;

  const open = (file: 'int' | 'vec', assign: (physical: number) => void, end = position): Interval => {
    const interval: Interval = { file, start: position, end, assign };
    intervals.push(interval);
    return interval;
  };
  const touch = (register: IntReg | VecReg, write: boolean): void => {
    const key = `${register.kind}${register.id}`;
    const interval = known.get(key);
    if (interval !== undefined) {
      interval.end = position;
      return;
    }
    if (!write)
      throw new QwenAsrError('internal', `kernel ${code.name}: ${key} is read before it is written`);
    const target = register.kind === 'int' ? int : vec;
    const assign = (physical: number): void => {
      target[register.id] = physical;
    };
    known.set(key, open(register.kind, assign));
  };
  const visit = (body: readonly Instruction[]): void => {
    for (const instruction of body) {
      position++;
      const { reads, writes } = registersUsed(instruction);
      for (const register of reads) touch(register, false);
      for (const register of writes) touch(register, true);
      const scratch: number[] = [];
      temporaries.set(instruction, scratch);
      for (let n = temporariesOf(instruction); n > 0; n--) open('vec', (physical) => scratch.push(physical));
      visitNested(instruction);
    }
  };
  const visitNested = (instruction: Instruction): void => {
    if (instruction.op === 'if') {
      visit(instruction.whenTrue);
      visit(instruction.whenFalse);
      position++;
    } else if (instruction.op === 'loop' || instruction.op === 'while') {
      const start = position;
      const counter =
        instruction.op === 'loop' ? open('int', (p) => loopCounters.set(instruction, p)) : undefined;
      visit(instruction.body);
      position++;
      if (counter !== undefined) counter.end = position;
      if (instruction.op === 'while') for (const r of registersUsed(instruction).reads) touch(r, false);
      // Values that come from before the loop and are used in it must survive until its last iteration.
      for (const interval of known.values()) {
        if (interval.start <= start && interval.end > start) interval.end = position;
      }
    }
  };
  for (const parameter of code.params) touch(parameter, true);
  visit(code.body);
  return intervals;
}

function scan(
  name: string,
  intervals: Interval[],
  pools: { int: readonly number[]; vec: readonly number[] },
): void {
  const free = { int: [...pools.int], vec: [...pools.vec] };
  let active: { interval: Interval; physical: number }[] = [];
  for (const interval of [...intervals].sort((a, b) => a.start - b.start)) {
    const still = [];
    for (const entry of active) {
      if (entry.interval.end < interval.start) free[entry.interval.file].push(entry.physical);
      else still.push(entry);
    }
    active = still;
    const physical = free[interval.file].shift();
    if (physical === undefined) {
      throw new QwenAsrError(
        'internal',
        `kernel ${name}: needs more than ${pools[interval.file].length} ${interval.file} registers at once`,
      );
    }
    active.push({ interval, physical });
    interval.assign(physical);
  }
}

/** Integer registers that values or loop counters are in, each once. */
export function usedIntegers(allocation: Allocation): number[] {
  return [...new Set([...allocation.int, ...allocation.loopCounters.values()])].filter(
    (physical) => physical >= 0,
  );
}
