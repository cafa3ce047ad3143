import { type PlotStyle, plotStyleOf } from '../bench/chart/plotStyle.js';
import type { CommandContext } from './runCommand.js';

/** What plots on standard output may look like. */
export function terminalStyle({ outIsTerminal }: Pick<CommandContext, 'outIsTerminal'>): PlotStyle {
  return plotStyleOf({ isTerminal: outIsTerminal, columns: process.stdout.columns, env: process.env });
}
