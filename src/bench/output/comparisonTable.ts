import type { ComparisonRecord } from '../schema/benchResult.js';
import { formatChange, formatProbability } from './figures.js';
import type { FigureTable } from './summaryTable.js';

/** All comparisons of a document: what changed, by how much, and how sure that is. */
export function comparisonTable(comparisons: readonly ComparisonRecord[]): FigureTable {
  const rows = comparisons.map((comparison) => {
    const { outcome, metric, labelA, labelB } = comparison;
    const title = `${labelB} against ${labelA}`;
    if (outcome === null) return [title, metric, '–', '–', '–', 'too few runs'];
    const { ratio, low, high, pValue } = outcome;
    const interval = low === null || high === null ? '–' : `${formatChange(low)} … ${formatChange(high)}`;
    return [title, metric, formatChange(ratio), interval, formatProbability(pValue), showVerdict(outcome)];
  });
  return { header: ['B against A', 'metric', 'change', '95 % interval', 'p', 'verdict'], rows };
}

/** The verdict; of an undecided one, how many runs a side would probably decide. */
export function showVerdict({ verdict, runsNeeded }: NonNullable<ComparisonRecord['outcome']>): string {
  return verdict === 'undecided' && runsNeeded !== null ? `undecided, try ${runsNeeded} runs` : verdict;
}

/** Sentences that the table has no room for: runs set aside, other tokens. */
export function comparisonNotes(comparisons: readonly ComparisonRecord[]): string[] {
  const notes = comparisons.flatMap((comparison) => {
    const { metric, labelB, sameTokens } = comparison;
    const found: string[] = [];
    if (sameTokens === false) found.push(`${labelB}: the tokens differ`);
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
