import type { Chart } from '../document/block.js';
import { comparisonTable, meanBeside, showVerdict } from '../document/comparisonTable.js';
import { formatChange } from '../document/figures.js';
import { el, join, type Markup } from '../render/markup.js';
import type { BenchResult } from '../schema/benchResult.js';
import type { ComparisonOutcome, ComparisonRecord } from '../schema/comparisonRecord.js';
import { type Drawing, fitText, horizontalAxis, label, withTitle } from './drawing.js';
import { logScale, type Scale } from './scale.js';

type Decided = ComparisonRecord & { readonly outcome: ComparisonOutcome };

const ROW = 40;
const HEAD = 24;
/** Below this many pixels the verdict goes under the name instead of beside the line. */
const NARROW = 500;

/** Each comparison as a ratio with its interval; null when there is none. */
export function forestChart({ comparisons }: BenchResult): Chart | null {
  const decided = comparisons.filter((one): one is Decided => one.outcome !== null);
  if (decided.length === 0) return null;
  return {
    title: 'B against A',
    description:
      'The change of each metric with its 95 % interval. Left of the line B is better. An interval that touches the line leaves the direction open; one inside the grey band is too small to matter. Where the mean time tells another story, it stands beside the verdict.',
    draw: (width) => draw(decided, width),
    table: comparisonTable(comparisons),
  };
}

function draw(rows: readonly Decided[], width: number): Drawing {
  const narrow = width < NARROW;
  const labelWidth = narrow ? 110 : 200;
  const verdictWidth = narrow ? 0 : 120;
  const [left, right] = [labelWidth + 12, width - verdictWidth - 12];
  const margin = 1 + Math.max(...rows.map(({ outcome }) => outcome.marginPercent)) / 100;
  const ends = rows.flatMap(({ outcome: { ratio, low, high } }) => [ratio, low ?? ratio, high ?? ratio]);
  const scale = logScale([...ends, 1 / margin, margin], left, right, narrow ? 3 : 6);
  const groups = groupByPair(rows);
  const bottom = HEAD + groups.reduce((sum, group) => sum + group.length * ROW + HEAD, 0);
  const band = { x: scale.at(1 / margin), width: scale.at(margin) - scale.at(1 / margin) };
  const content: (Markup | null)[] = [
    el('rect', { class: 'area', ...band, y: HEAD, height: bottom - HEAD }),
    horizontalAxis(scale, HEAD, bottom, (tick) => formatChange(tick)),
    el('line', { class: 'axis', x1: scale.at(1), x2: scale.at(1), y1: HEAD, y2: bottom }),
    label(scale.at(1) - 8, 14, '← B better', { anchor: 'end', class: 'tick' }),
    label(scale.at(1) + 8, 14, 'B worse →', { class: 'tick' }),
  ];
  let top = HEAD;
  for (const group of groups) {
    const [first] = group;
    const title = `${first?.labelB} against ${first?.labelA}`;
    // The lines of the axis would strike the title out.
    content.push(el('rect', { class: 'blank', x: 0, y: top, width, height: HEAD }));
    content.push(label(0, top + 16, fitText(title, width), { class: 'strong' }));
    top += HEAD;
    for (const row of group) {
      content.push(drawRow(row, scale, top + ROW / 2, narrow, right + 12));
      top += ROW;
    }
  }
  return { height: bottom + 26, content };
}

function groupByPair(rows: readonly Decided[]): Decided[][] {
  const groups = new Map<string, Decided[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.a, row.b]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

function drawRow(
  { metric, outcome }: Decided,
  scale: Scale,
  y: number,
  narrow: boolean,
  verdictX: number,
): Markup {
  const { ratio, low, high } = outcome;
  const x = scale.at(ratio);
  const verdict = `${formatChange(ratio)} ${outcome.verdict}`;
  const mean = meanBeside(outcome);
  const shapes = [
    low === null || high === null
      ? null
      : el('line', {
          class: `ci verdict-${outcome.verdict}`,
          x1: scale.at(low),
          x2: scale.at(high),
          y1: y,
          y2: y,
        }),
    el('rect', { class: `estimate verdict-${outcome.verdict}`, x: x - 5, y: y - 5, width: 10, height: 10 }),
  ].filter((shape) => shape !== null);
  const interval = low === null || high === null ? '' : ` (${formatChange(low)} … ${formatChange(high)})`;
  return join([
    label(0, narrow ? y - 2 : y + 4, narrow && mean !== '' ? `${metric}, ${mean}` : metric),
    narrow
      ? label(0, y + 13, fitText(verdict, 112), { class: 'tick' })
      : label(verdictX, y + 4, fitText(verdict, 120)),
    narrow || mean === '' ? null : label(verdictX, y + 17, mean, { class: 'tick' }),
    withTitle(`${metric}: ${formatChange(ratio)}${interval}, ${showVerdict(outcome)}`, ...shapes),
  ]);
}
