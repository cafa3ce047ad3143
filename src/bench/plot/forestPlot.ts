import { meanBeside, showVerdict } from '../output/comparisonTable.js';
import { formatChange } from '../output/figures.js';
import type { ComparisonOutcome, ComparisonRecord } from '../schema/comparisonRecord.js';
import { type PlotColor, type PlotStyle, paint } from './plotStyle.js';

const COLORS: Readonly<Record<string, PlotColor>> = {
  faster: 'green',
  slower: 'red',
  same: 'dim',
  undecided: 'yellow',
};

/** Below so many columns there is no room for advice. */
const NARROW = 80;

type Decided = ComparisonRecord & { readonly outcome: ComparisonOutcome };

/** Comparisons as intervals around their ratio, a line each, with ratio 1 marked; empty when there are none. */
export function forestPlot(comparisons: readonly ComparisonRecord[], style: PlotStyle): string[] {
  const rows = comparisons.filter((one): one is Decided => one.outcome !== null);
  if (rows.length === 0) return [];
  const names = rows.map(({ labelB, metric }) => `${labelB}: ${metric}`);
  const narrow = style.width < NARROW;
  const longest = Math.max(...names.map((name) => name.length));
  const nameWidth = Math.min(longest, Math.floor(style.width / (narrow ? 3 : 2.5)));
  const verdicts = rows.map(({ outcome }) => {
    if (!narrow) return `${formatChange(outcome.ratio)} ${showVerdict(outcome)}`;
    const mean = meanBeside(outcome);
    return mean === '' ? `${formatChange(outcome.ratio)} ${outcome.verdict}` : `${outcome.verdict}, ${mean}`;
  });
  const verdictWidth = Math.max(...verdicts.map((text) => text.length));
  const columns = style.width - nameWidth - verdictWidth - 4;
  const ends = rows.flatMap(({ outcome: { ratio, low, high } }) => [ratio, low ?? ratio, high ?? ratio]);
  const reach = Math.max(...ends.map((ratio) => Math.abs(Math.log(ratio))), Math.log(1.01));
  // Ratio 1 is always in the middle: which side is which is seen at once.
  const column = (ratio: number) => Math.round(((Math.log(ratio) / reach + 1) / 2) * (columns - 1));
  return rows.map(({ outcome }, index) => {
    // Its end, the metric, is what tells lines apart.
    const name = (names[index] ?? '').slice(-nameWidth).padEnd(nameWidth);
    return `  ${name} ${drawInterval(outcome, column, columns, style)} ${verdicts[index]}`;
  });
}

function drawInterval(
  { ratio, low, high, verdict }: Decided['outcome'],
  column: (ratio: number) => number,
  columns: number,
  style: PlotStyle,
): string {
  const [rule, mark, middle] = style.unicode ? ['─', '■', '│'] : ['-', '#', '|'];
  const cells = new Array<string>(columns).fill(' ');
  cells[column(1)] = paint(middle, 'dim', style);
  const color = COLORS[verdict] ?? 'dim';
  for (let at = column(low ?? ratio); at <= column(high ?? ratio); at++)
    cells[at] = paint(rule, color, style);
  cells[column(ratio)] = paint(mark, color, style);
  return cells.join('');
}
