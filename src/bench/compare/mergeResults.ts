import { recordingSets } from '../analysis/recordingSets.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import type { ResultComparison } from './compareResults.js';
import type { NamedResult } from './pairCells.js';

/**
 * A comparison as a document of its own, so that every format and the report can show it: the cells of both sides
 * (`A: …`, `B: …`) and what came of comparing them. Machine and environment are those of B.
 *
 * @param commandLine the arguments that asked for it
 */
export function mergeResults(comparison: ResultComparison, commandLine: readonly string[]): BenchResult {
  const { a, b, cells, failures, notes } = comparison;
  const sides = [prefixed(a, 'A'), prefixed(b, 'B')];
  const audio = sides.flatMap((side) => side.audio);
  const merged = sides.flatMap((side) => side.cells);
  const differs = a.result.machine.hash !== b.result.machine.hash;
  return {
    ...b.result,
    kind: 'comparison',
    commandLine,
    complete: a.result.complete && b.result.complete,
    models: sides.flatMap((side) => side.models),
    audio,
    ceilings: b.result.ceilings,
    cells: merged,
    comparisons: cells.flatMap(({ records }) =>
      records.map((record) => ({ ...record, a: `A: ${record.a}`, b: `B: ${record.b}` })),
    ),
    sets: recordingSets({ audio, cells: merged }),
    accuracy: null,
    notes: [
      `A is ${a.name} of ${a.result.createdAt}, B is ${b.name} of ${b.result.createdAt}`,
      ...(differs ? ['A was measured on another machine; the one described here is that of B'] : []),
      ...notes,
    ],
    errors: failures.map((message) => ({ cell: null, message })),
  };
}

/** The models, audio and cells of a side under names that the other side does not have. */
function prefixed({ result }: NamedResult, side: string): Pick<BenchResult, 'models' | 'audio' | 'cells'> {
  const rename = (id: string) => `${side}: ${id}`;
  const renameOr = (id: string | null) => (id === null ? null : rename(id));
  return {
    models: result.models.map((model) => ({ ...model, id: rename(model.id) })),
    audio: result.audio.map((audio) => ({ ...audio, id: rename(audio.id) })),
    cells: result.cells.map(
      (cell): CellRecord => ({
        ...cell,
        id: rename(cell.id),
        settings: {
          ...cell.settings,
          model: renameOr(cell.settings.model),
          audio: renameOr(cell.settings.audio),
        },
      }),
    ),
  };
}
