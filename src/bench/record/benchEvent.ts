import type {
  AudioRecord,
  BenchResult,
  CeilingsRecord,
  CellRecord,
  ComparisonRecord,
  ErrorRecord,
  ModelRecord,
} from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';

/** What is known before anything is measured. */
export type BenchHeader = Pick<
  BenchResult,
  'schema' | 'version' | 'kind' | 'tool' | 'createdAt' | 'commandLine' | 'machine' | 'environment'
>;

/** What is known of a cell before its first run. */
export type CellStart = Pick<CellRecord, 'id' | 'settings' | 'setup' | 'frames' | 'work'>;

/** What is known of it after its last. */
export interface CellEnd {
  readonly steady: boolean | null;
  readonly drift: CellRecord['drift'];
  readonly accuracy: CellRecord['accuracy'];
  readonly complete: boolean;
  readonly error: string | null;
  readonly notes: readonly string[];
}

/**
 * One line of the JSONL format, in the order of events. The result document is these events put together
 * (`ResultBuilder`), so a file that ends anywhere is still a result. A `cell` event with the id of an earlier one
 * starts that cell over; events after `end` continue the result, as resuming a sweep does.
 */
export type BenchEvent =
  | ({ readonly event: 'header' } & BenchHeader)
  | { readonly event: 'model'; readonly model: ModelRecord }
  | { readonly event: 'audio'; readonly audio: AudioRecord }
  | { readonly event: 'ceilings'; readonly ceilings: CeilingsRecord }
  | { readonly event: 'cell'; readonly cell: CellStart }
  | { readonly event: 'warmup'; readonly cell: string; readonly run: RunRecord }
  | { readonly event: 'run'; readonly cell: string; readonly run: RunRecord }
  | { readonly event: 'cellEnd'; readonly cell: string; readonly outcome: CellEnd }
  | { readonly event: 'comparison'; readonly comparison: ComparisonRecord }
  | { readonly event: 'note'; readonly note: string }
  | { readonly event: 'error'; readonly error: ErrorRecord }
  | {
      readonly event: 'end';
      readonly complete: boolean;
      readonly accuracy: BenchResult['accuracy'];
    };

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
  const { id, settings, setup, frames, work } = cell;
  const { steady, drift, accuracy, complete, error, notes } = cell;
  return [
    { event: 'cell', cell: { id, settings, setup, frames, work } },
    ...cell.warmups.map((run): BenchEvent => ({ event: 'warmup', cell: id, run })),
    ...cell.runs.map((run): BenchEvent => ({ event: 'run', cell: id, run })),
    { event: 'cellEnd', cell: id, outcome: { steady, drift, accuracy, complete, error, notes } },
  ];
}
