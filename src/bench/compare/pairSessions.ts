import { QwenAsrError } from '../../error.js';
import type { CellRecord } from '../schema/benchResult.js';
import { type Aspect, type CellPair, type NamedResult, pairCells } from './pairCells.js';

/** A cell of B and its partner in A, each by its first session, and the same cells in all sessions. */
export interface SessionPair extends CellPair {
  readonly sessionsA: readonly CellRecord[];
  readonly sessionsB: readonly CellRecord[];
}

export interface SessionPairs {
  readonly pairs: readonly SessionPair[];
  readonly notes: readonly string[];
}

/** Several sessions of one side must agree in everything. */
const NOTHING: ReadonlySet<Aspect> = new Set();

/**
 * Finds which cells of two sides are comparable, and the same cells in the other sessions of each side.
 *
 * @param a sessions of A, at least one
 * @param b sessions of B, at least one
 * @param across what A and B may differ in; sessions of one side may in nothing
 * @throws QwenAsrError `compare` naming what differs, when no cell has a partner, or for one measurement given twice
 */
export function pairSessions(
  a: readonly NamedResult[],
  b: readonly NamedResult[],
  across: ReadonlySet<Aspect>,
): SessionPairs {
  const [firstA, ...othersA] = a;
  const [firstB, ...othersB] = b;
  if (firstA === undefined || firstB === undefined) {
    throw new QwenAsrError(
      'compare',
      `compare: expected a result on each side, found ${a.length} and ${b.length}`,
    );
  }
  checkApart(a);
  checkApart(b);
  const { pairs, notes } = pairCells(firstA, firstB, across);
  const matchesA = othersA.map((other) => pairCells(firstA, other, NOTHING));
  const matchesB = othersB.map((other) => pairCells(firstB, other, NOTHING));
  const sessionsOf = (cell: CellRecord, matches: typeof matchesA) => [
    cell,
    ...matches.flatMap((match) => match.pairs.flatMap((pair) => (pair.a === cell ? [pair.b] : []))),
  ];
  return {
    pairs: pairs.map((pair) => ({
      ...pair,
      sessionsA: sessionsOf(pair.a, matchesA),
      sessionsB: sessionsOf(pair.b, matchesB),
    })),
    notes: [...new Set([notes, ...[...matchesA, ...matchesB].map((match) => match.notes)].flat())],
  };
}

/** Two files of one measurement would look like sessions that agree to the last bit. */
function checkApart(sessions: readonly NamedResult[]): void {
  const byTime = new Map<string, string>();
  for (const { name, result } of sessions) {
    const earlier = byTime.get(result.createdAt);
    if (earlier !== undefined) {
      throw new QwenAsrError(
        'compare',
        `${earlier}, ${name}: expected sessions that were measured apart, found the measurement of ${result.createdAt} twice`,
      );
    }
    byTime.set(result.createdAt, name);
  }
}
