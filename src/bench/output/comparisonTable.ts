import type { ComparisonRecord } from '../schema/benchResult.js';
import { formatChange, formatProbability } from './figures.js';
import type { FigureTable } from './summaryTable.js';

/** All comparisons of a document: what changed, by how much, and how sure that is. */
export function comparisonTable(comparisons: readonly ComparisonRecord[]): FigureTable {
  const rows = comparisons.map((comparison) => [
    comparisonTitle(comparison),
    comparison.metric,
    ...figuresOf(comparison),
  ]);
  return { header: ['B against A', 'metric', ...HEADER], rows };
}

/** The same with a table of its own, and its title, for every pair: narrow enough for a terminal. */
export function comparisonTables(
  comparisons: readonly ComparisonRecord[],
): readonly (readonly [title: string, table: FigureTable])[] {
  const titles = [...new Set(comparisons.map(comparisonTitle))];
  return titles.map((title) => {
    const own = comparisons.filter((comparison) => comparisonTitle(comparison) === title);
    const rows = own.map((comparison) => [comparison.metric, ...figuresOf(comparison)]);
    return [title, { header: ['', ...HEADER], rows }];
  });
}

const HEADER = ['change', '95 % interval', 'p', 'verdict'] as const;

function comparisonTitle({ labelA, labelB }: ComparisonRecord): string {
  return `${labelB} against ${labelA}`;
}

function figuresOf({ outcome }: ComparisonRecord): string[] {
  if (outcome === null) return ['–', '–', '–', 'too few runs'];
  const { ratio, low, high, pValue } = outcome;
  const interval = low === null || high === null ? '–' : `${formatChange(low)} … ${formatChange(high)}`;
  return [formatChange(ratio), interval, formatProbability(pValue), showVerdict(outcome)];
}

/** More runs than these are no advice. */
const MOST_ADVISED = 10_000;

/**
 * The verdict; of an undecided one, how many runs a side would probably decide, in two digits, because it is known no
 * better than that.
 */
export function showVerdict({ verdict, runsNeeded }: NonNullable<ComparisonRecord['outcome']>): string {
  if (verdict !== 'undecided' || runsNeeded === null || runsNeeded > MOST_ADVISED) return verdict;
  const step = 10 ** Math.max(0, Math.floor(Math.log10(runsNeeded)) - 1);
  return `undecided, try ${Math.ceil(runsNeeded / step) * step} runs`;
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
