import type { ComparisonRecord } from '../schema/benchResult.js';
import { formatChange, formatProbability } from './figures.js';
import type { FigureTable } from './summaryTable.js';

/** All comparisons of a document: what changed, by how much, and how sure that is. */
export function comparisonTable(comparisons: readonly ComparisonRecord[]): FigureTable {
  const rows = comparisons.map((comparison) => {
    const { outcome, metric, labelA, labelB } = comparison;
    const title = `${labelB} against ${labelA}`;
    if (outcome === null) return [title, metric, '–', '–', '–', 'too few runs'];
    const { ratio, low, high, pValue, verdict } = outcome;
    const interval = low === null || high === null ? '–' : `${formatChange(low)} … ${formatChange(high)}`;
    return [title, metric, formatChange(ratio), interval, formatProbability(pValue), verdict];
  });
  return { header: ['B against A', 'metric', 'change', '95 % interval', 'p', 'verdict'], rows };
}

/** Sentences that the table has no room for: undecided verdicts, runs set aside, other tokens. */
export function comparisonNotes(comparisons: readonly ComparisonRecord[]): string[] {
  const notes = comparisons.flatMap((comparison) => {
    const { outcome, metric, labelB, sameTokens } = comparison;
    const found: string[] = [];
    if (sameTokens === false) found.push(`${labelB}: the tokens differ`);
    if (outcome?.verdict === 'undecided') {
      const advice =
        outcome.runsNeeded === null
          ? 'no number of runs would decide'
          : `about ${outcome.runsNeeded} ${comparison.design === 'paired' ? 'pairs' : 'runs a side'} would decide`;
      found.push(`${labelB}, ${metric}: undecided; ${advice}`);
    }
    if (comparison.design === 'paired' && comparison.outcome !== null) {
      const { a, b } = comparison.outcome.setAside;
      const pairs = [...new Set([...a, ...b])].sort((x, y) => x - y).map((pair) => pair + 1);
      if (pairs.length > 0)
        found.push(`${labelB}, ${metric}: held-up runs set aside in pair ${pairs.join(', ')}`);
    }
    return found;
  });
  return [...new Set(notes)];
}
