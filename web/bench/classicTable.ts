import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import { type MinMeanMax, minMeanMax } from '../../src/bench/text/classicText.js';

/** A row of the command line's table. */
export interface TableRow {
  readonly title: string;
  readonly figures: MinMeanMax;
  readonly unit: string;
  readonly digits: number;
}

/**
 * The rows that qwen_asr_bench prints, over runs on audio of one length.
 *
 * @param runs at least one
 */
export function classicTable(runs: readonly RunRecord[], durationMs: number): TableRow[] {
  const row = (title: string, of: (run: RunRecord) => number, unit = 'ms', digits = 1): TableRow => ({
    title,
    figures: minMeanMax(runs.map(of)),
    unit,
    digits,
  });
  return [
    row('total', (run) => run.totalMs),
    row('encode', (run) => run.encodeMs ?? 0),
    row('decode', (run) => run.decodeMs ?? 0),
    row('rt_factor', (run) => run.totalMs / durationMs, 'x RT', 2),
  ];
}
