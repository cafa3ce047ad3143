import {
  audioRecord,
  type BenchResult,
  ceilingsRecord,
  cellEndRecord,
  cellStartRecord,
  errorRecord,
  headerRecord,
  modelRecord,
} from '../schema/benchResult.js';
import { comparisonRecord, corpusAccuracyRecord } from '../schema/figureRecords.js';
import { runRecord } from '../schema/runRecord.js';
import { count, flag, object, orNull, text, type ValueOf } from '../schema/shape.js';

/**
 * What a line of the JSONL format carries beside the name of its event, in the order of events. The result document is
 * these events put together (`ResultBuilder`), so a file that ends anywhere is still a result. A `cell` event with the
 * id of an earlier one starts that cell over; events after `end` continue the result, as resuming a sweep does.
 */
export const EVENTS = {
  header: headerRecord,
  model: object({ model: modelRecord }),
  audio: object({ audio: audioRecord }),
  ceilings: object({ ceilings: ceilingsRecord }),
  cell: object({ cell: cellStartRecord }),
  // Another number of runs is asked for than when the cell began; readers that do not know it lose nothing else.
  plannedRuns: object({ cell: text(), runs: count() }),
  warmup: object({ cell: text(), run: runRecord }),
  run: object({ cell: text(), run: runRecord }),
  cellEnd: object({ cell: text(), outcome: cellEndRecord }),
  comparison: object({ comparison: comparisonRecord }),
  note: object({ note: text() }),
  error: object({ error: errorRecord }),
  end: object({ complete: flag(), accuracy: orNull(corpusAccuracyRecord) }),
} as const;

type Events = typeof EVENTS;

/** One line of the JSONL format. */
export type BenchEvent = {
  [Name in keyof Events]: { readonly event: Name } & ValueOf<Events[Name]>;
}[keyof Events];

export interface BenchHeader extends ValueOf<typeof headerRecord> {}
export interface CellStart extends ValueOf<typeof cellStartRecord> {}
export interface CellEnd extends ValueOf<typeof cellEndRecord> {}

/**
 * The events that build a document: what its JSONL form holds. Put together again they give the same document.
 *
 * @example
 * const lines = resultEvents(result).map(formatEvent).join('');
 */
export function resultEvents(result: BenchResult): BenchEvent[] {
  const { schema, version, kind, tool, createdAt, commandLine, machine, environment } = result;
  return [
    { event: 'header', schema, version, kind, tool, createdAt, commandLine, machine, environment },
    ...result.models.map((model): BenchEvent => ({ event: 'model', model })),
    ...result.audio.map((audio): BenchEvent => ({ event: 'audio', audio })),
    ...result.ceilings.map((ceilings): BenchEvent => ({ event: 'ceilings', ceilings })),
    ...result.cells.flatMap(cellEvents),
    ...result.comparisons.map((comparison): BenchEvent => ({ event: 'comparison', comparison })),
    ...result.notes.map((note): BenchEvent => ({ event: 'note', note })),
    ...result.errors.map((error): BenchEvent => ({ event: 'error', error })),
    { event: 'end', complete: result.complete, accuracy: result.accuracy },
  ];
}

function cellEvents(cell: BenchResult['cells'][number]): BenchEvent[] {
  const { id, settings, setup, frames, work, offline } = cell;
  const { steady, drift, accuracy, complete, error, notes, offlineAccuracy, agreement } = cell;
  const start = { id, settings, setup, frames, work, ...(offline !== undefined && { offline }) };
  const outcome = {
    ...{ steady, drift, accuracy, complete, error, notes },
    // Files from before live transcriptions leave them out.
    ...(offlineAccuracy !== undefined && { offlineAccuracy }),
    ...(agreement !== undefined && { agreement }),
  };
  return [
    { event: 'cell', cell: start },
    ...cell.warmups.map((run): BenchEvent => ({ event: 'warmup', cell: id, run })),
    ...cell.runs.map((run): BenchEvent => ({ event: 'run', cell: id, run })),
    { event: 'cellEnd', cell: id, outcome },
  ];
}
