import type { ComparisonOutcome, ComparisonRecord } from '../schema/figureRecords.js';
import type { FigureTable } from './block.js';
import { formatChange, formatProbability } from './figures.js';

/** All comparisons of a document: what changed, by how much, and how sure that is. */
export function comparisonTable(comparisons: readonly ComparisonRecord[]): FigureTable {
  const rows = comparisons.map((comparison) => [
    comparisonTitle(comparison),
    comparison.metric,
    ...figuresOf(comparison),
  ]);
  return { header: ['B against A', 'metric', ...HEADER], rows };
}

const HEADER = ['change', '95 % interval', 'p', 'verdict'] as const;

function comparisonTitle({ labelA, labelB }: ComparisonRecord): string {
  return `${labelB} against ${labelA}`;
}

function figuresOf(comparison: ComparisonRecord): string[] {
  const { outcome } = comparison;
  if (outcome === null) return ['–', '–', '–', 'too few runs'];
  const { ratio, low, high } = outcome;
  const corrected = comparison.design === 'independent' ? comparison.correctedPValue : undefined;
  const pValue = corrected ?? outcome.pValue;
  const interval = low === null || high === null ? '–' : `${formatChange(low)} … ${formatChange(high)}`;
  return [formatChange(ratio), interval, formatProbability(pValue), showVerdict(outcome)];
}

/** More runs than these are no advice. */
const MOST_ADVISED = 10_000;

/**
 * The verdict. When the mean tells another story than the typical runs it stands beside it; else an undecided verdict
 * comes with how many runs or sessions a side would probably decide, in two digits, because it is known no better.
 */
export function showVerdict(outcome: ComparisonOutcome): string {
  const { verdict, runsNeeded } = outcome;
  const mean = meanBeside(outcome);
  if (mean !== '') return `${verdict}, ${mean}`;
  // Older comparisons, and paired ones, do not tell.
  const sessionsNeeded = 'sessionsNeeded' in outcome ? outcome.sessionsNeeded : null;
  const [needed, unit] = sessionsNeeded == null ? [runsNeeded, 'runs'] : [sessionsNeeded, 'sessions'];
  if (verdict !== 'undecided' || needed === null || needed > MOST_ADVISED) return verdict;
  const step = 10 ** Math.max(0, Math.floor(Math.log10(needed)) - 1);
  return `undecided, try ${Math.ceil(needed / step) * step} ${unit}`;
}

/** `mean +5.0 %` where the mean time changed by something else than typical runs did, otherwise empty. */
export function meanBeside(outcome: ComparisonOutcome): string {
  // Only paired comparisons tell, and not those of older files.
  const { meanRatio = 1, meanDisagrees = false } = 'pairs' in outcome ? outcome : {};
  return meanDisagrees ? `mean ${formatChange(meanRatio)}` : '';
}

/** Sentences that the table has no room for: outliers, means that disagree, other tokens. */
export function comparisonNotes(comparisons: readonly ComparisonRecord[]): string[] {
  const notes = comparisons.flatMap((comparison) => {
    const { metric, labelB, sameTokens } = comparison;
    const found: string[] = [];
    if (sameTokens === false) found.push(`${labelB}: the tokens differ`);
    if (comparison.design === 'paired' && comparison.outcome !== null) {
      const { outlyingPairs = [], meanDisagrees = false, meanRatio = 1, ratio } = comparison.outcome;
      if (outlyingPairs.length > 0) {
        const pairs = outlyingPairs.map((pair) => pair + 1).join(', ');
        found.push(`${labelB}, ${metric}: outliers in pair ${pairs}, counted like the others`);
      }
      if (meanDisagrees) {
        found.push(
          `${labelB}, ${metric}: typical runs changed by ${formatChange(ratio)}, their mean by ${formatChange(meanRatio)}: slow runs are part of one side`,
        );
      }
    }
    return found;
  });
  return [...new Set(notes)];
}
