import { QwenAsrError } from '../../error.js';
import { recordingSets } from '../analysis/recordingSets.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import type { ResultComparison } from './compareResults.js';
import type { NamedResult } from './pairCells.js';

/**
 * A comparison as a document of its own, so that every format and the report can show it: the cells of both sides
 * (`A: …`, `B: …`, of several sessions `A1: …`, `A2: …`) and what came of comparing them. Machine and environment are those
 * of B's first session.
 *
 * @param commandLine the arguments that asked for it
 */
export function mergeResults(comparison: ResultComparison, commandLine: readonly string[]): BenchResult {
  const { a, b, cells, failures, notes } = comparison;
  const [[firstA], [firstB]] = [a, b];
  if (firstA === undefined || firstB === undefined) {
    throw new QwenAsrError('internal', 'merged results: expected a session on each side, found none');
  }
  const sides = [...prefixedSide(a, 'A'), ...prefixedSide(b, 'B')];
  const audio = sides.flatMap((side) => side.audio);
  const merged = sides.flatMap((side) => side.cells);
  const differs = firstA.result.machine.hash !== firstB.result.machine.hash;
  const [prefixA, prefixB] = [sessionPrefix(a, 'A', 0), sessionPrefix(b, 'B', 0)];
  return {
    ...firstB.result,
    kind: 'comparison',
    commandLine,
    complete: [...a, ...b].every(({ result }) => result.complete),
    models: sides.flatMap((side) => side.models),
    audio,
    ceilings: firstB.result.ceilings,
    cells: merged,
    comparisons: cells.flatMap(({ records }) =>
      records.map((record) => ({ ...record, a: `${prefixA}: ${record.a}`, b: `${prefixB}: ${record.b}` })),
    ),
    sets: recordingSets({ audio, cells: merged }),
    accuracy: null,
    notes: [
      `A is ${describeSide(a)}; B is ${describeSide(b)}`,
      ...(differs ? ['A was measured on another machine; the one described here is that of B'] : []),
      ...notes,
    ],
    errors: failures.map((message) => ({ cell: null, message })),
  };
}

function describeSide(sessions: readonly NamedResult[]): string {
  return sessions.map(({ name, result }) => `${name} of ${result.createdAt}`).join(', ');
}

function sessionPrefix(sessions: readonly NamedResult[], side: string, index: number): string {
  return sessions.length === 1 ? side : `${side}${index + 1}`;
}

function prefixedSide(sessions: readonly NamedResult[], side: string) {
  return sessions.map((session, index) => prefixed(session, sessionPrefix(sessions, side, index)));
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
