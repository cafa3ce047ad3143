import {
  BASE_CELL,
  type BenchPlan,
  type CellPlan,
  type ModelCellPlan,
} from '../../../src/bench/plan/benchPlan.js';
import type { CellSession, OpenCell } from '../../../src/bench/run/cellSession.js';
import { BLANK_RUN } from '../../../src/bench/run/recordRun.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { INFO_1_7B } from '../fakeModel.js';

/** A cell of a plan. */
export function fakeCell(id: string, rest: Partial<ModelCellPlan> = {}): ModelCellPlan {
  return {
    ...BASE_CELL,
    id,
    label: id,
    model: 'models/demo',
    audio: { kind: 'silence', seconds: 5 },
    ...rest,
  };
}

/** A plan of cells with these ids. */
export function fakePlan(ids: readonly string[], rest: Partial<BenchPlan> = {}): BenchPlan {
  return {
    kind: ids.length > 1 ? 'sweep' : 'benchmark',
    cells: ids.map((id) => fakeCell(id)),
    runs: 3,
    warmup: 1,
    delayMs: 0,
    budgetMs: null,
    isolated: false,
    roofline: false,
    ...rest,
  };
}

/** A run of which only the time is of interest. */
export function fakeRun(totalMs: number, rest: Partial<RunRecord> = {}): RunRecord {
  return { ...BLANK_RUN, startedAt: '2026-03-01T12:00:00Z', totalMs, ...rest };
}

/** How fake cells behave. */
export interface FakeBehaviour {
  /** The run of a cell; `number` counts from 0, warm-ups included. */
  readonly run: (cell: CellPlan, number: number) => Promise<RunRecord> | RunRecord;
  /** Throws when the cell cannot be made ready. */
  readonly open?: (cell: CellPlan) => void;
}

/** Cells without an engine; `log` tells what happened to them, in order. */
export function fakeCells({ run, open }: FakeBehaviour): { open: OpenCell; log: string[] } {
  const log: string[] = [];
  return {
    log,
    open: async (cell): Promise<CellSession> => {
      open?.(cell);
      log.push(`open ${cell.id}`);
      let number = 0;
      let ceilings = 0;
      return {
        facts: {
          model: INFO_1_7B,
          exactTokens: null,
          durationMs: 5000,
          frames: 500,
          segments: null,
          offline: null,
          setup: { loadMs: 400, audioDecodeMs: null, resampleMs: null, memory: null },
          notes: [],
        },
        run: async () => {
          log.push(`run ${cell.id}`);
          return run(cell, number++);
        },
        work: () => [],
        measureCeilings: async () => {
          log.push(`ceilings ${cell.id}`);
          return {
            readBytesPerSecond: 30e9 + 1e9 * ceilings++,
            f32FlopsPerSecond: 200e9,
            bf16FlopsPerSecond: null,
            int8OpsPerSecond: null,
          };
        },
        close: async () => {
          log.push(`close ${cell.id}`);
        },
      };
    },
  };
}
