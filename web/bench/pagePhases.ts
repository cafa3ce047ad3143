import { MAIN_PHASES, PHASES, type PhaseName, phaseMs } from '../../src/bench/phases.js';
import type { RunRecord } from '../../src/bench/schema/runRecord.js';

/** A part of a run that the page shows. */
export interface PagePhase {
  /** Its class in the style sheet is `phase-{name}`. */
  readonly name: PhaseName;
  readonly title: string;
  readonly ids: readonly PhaseName[];
}

/** What is no part of encoder or decoder is shown as one. */
const OTHERS = PHASES.filter(({ part }) => part === null).map(({ id }) => id);

/** The parts of a run that the page shows, in their order. */
export const PAGE_PHASES: readonly PagePhase[] = [
  ...MAIN_PHASES.map(({ id, title }) => ({ name: id, title, ids: [id] })),
  { name: 'other', title: 'other', ids: OTHERS },
];

/** Milliseconds of one of them; of a run they sum to its total. */
export function pagePhaseMs({ phases }: RunRecord, { ids }: PagePhase): number {
  return ids.reduce((sum, id) => sum + (phaseMs(phases, id) ?? 0), 0);
}
