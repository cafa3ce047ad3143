import { significant } from '../output/figures.js';
import { PHASES } from '../phases.js';
import type { CellRecord } from '../schema/benchResult.js';
import { type PlotStyle, paint } from './plotStyle.js';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** The phases of a cell as bars, with their median and share; empty when the cell does not tell them. */
export function phaseBars(cell: CellRecord, style: PlotStyle): string[] {
  const phases = PHASES.flatMap(({ metric: name, part }) => {
    const ms = cell.summary?.[name]?.median;
    return ms === undefined ? [] : [{ name, part, ms }];
  });
  if (phases.length < 2) return [];
  // Of the median run, as in the table of phases: medians of parts do not quite add up to the median of the whole.
  const total = (cell.summary?.['total'] ?? cell.summary?.['encode'])?.median ?? Number.NaN;
  const longest = Math.max(...phases.map(({ ms }) => ms));
  const nameWidth = Math.max(...phases.map(({ name }) => name.length));
  const figures = phases.map(
    ({ ms }) => `${significant(ms)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} %`,
  );
  const figureWidth = Math.max(...figures.map((text) => text.length));
  const room = Math.max(style.width - nameWidth - figureWidth - 6, 8);
  return phases.map(({ name, part, ms }, index) => {
    const bar = horizontalBar((ms / longest) * room, style);
    const padding = ' '.repeat(room - bar.length);
    // Encoder and decoder in the colours of the report.
    const color = part === null ? 'dim' : part === 'encode' ? 'blue' : 'yellow';
    const painted = paint(bar, color, style);
    return `  ${name.padEnd(nameWidth)} ${painted}${padding} ${(figures[index] ?? '').padStart(figureWidth)}`;
  });
}

/** A bar so many columns long, to an eighth of a column; never longer than that, never nothing for something. */
export function horizontalBar(columns: number, { unicode }: PlotStyle): string {
  if (columns <= 0) return '';
  if (!unicode) return '#'.repeat(Math.max(1, Math.floor(columns)));
  const eighths = Math.max(1, Math.floor(columns * 8));
  return '█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? '');
}
