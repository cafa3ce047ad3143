import { lineAxes, sweepSeries } from '../output/sweepAxes.js';
import { valuesOf, wholeMetric } from '../report/cellFigures.js';
import type { BenchResult } from '../schema/benchResult.js';
import { forestPlot } from './forestPlot.js';
import { histogram } from './histogram.js';
import { linePlot, type PlottedLine } from './linePlot.js';
import { phaseBars } from './phaseBars.js';
import type { PlotStyle } from './plotStyle.js';

/** With more cells than this single ones are not drawn: the lines of the sweep say more. */
const MOST_CELLS = 4;

/** Everything about a result that can be drawn with characters, a blank line before each plot. */
export function formatPlots(result: BenchResult, style: PlotStyle): string {
  const measured = result.cells.filter((cell) => cell.runs.length > 0);
  const named = (id: string) => (measured.length > 1 ? `${id}, ` : '');
  const cells = measured.length > MOST_CELLS ? [] : measured;
  const plots = [
    forestPlot(result.comparisons, style),
    ...sweepPlots(result, style),
    ...cells.flatMap((cell) => {
      const metric = wholeMetric(cell);
      const values = valuesOf(metric, cell, result);
      const title = `${named(cell.id)}${metric}, ms, ${cell.runs.length} runs`;
      const bars = phaseBars(cell, style);
      return [
        values === null ? [] : histogram(title, values, style),
        bars.length === 0 ? [] : [`${named(cell.id)}phases`, ...bars],
      ];
    }),
  ];
  return plots
    .filter((lines) => lines.length > 0)
    .map((lines) => `\n${lines.join('\n')}\n`)
    .join('');
}

function sweepPlots(result: BenchResult, style: PlotStyle): string[][] {
  if (result.kind !== 'sweep') return [];
  return lineAxes(result).flatMap((axis) => {
    const lines = sweepSeries(result, axis).flatMap(({ title, points }): PlottedLine[] => {
      const medians = points.flatMap(({ x, cell }) => {
        const y = cell.summary?.[wholeMetric(cell)]?.median;
        return y === undefined ? [] : [{ x, y }];
      });
      return medians.length === 0 ? [] : [{ title, points: medians }];
    });
    return lines.length === 0 ? [] : [linePlot(`median ms by ${axis.name}`, axis.name, lines, style)];
  });
}
