import type { BenchResult } from '../schema/benchResult.js';
import type { BenchEvent } from './benchEvent.js';

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
