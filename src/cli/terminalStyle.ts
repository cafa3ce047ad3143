import { type PlotStyle, plotStyleOf, toldColumns } from '../bench/chart/plotStyle.js';
import type { CommandContext } from './runCommand.js';

/** What plots on standard output may look like. */
export function terminalStyle({ outIsTerminal }: Pick<CommandContext, 'outIsTerminal'>): PlotStyle {
  return plotStyleOf({ isTerminal: outIsTerminal, columns: process.stdout.columns, env: process.env });
}

/** Columns of the terminal that standard output is, or those that the environment names; undefined without either. */
export function outputColumns({ outIsTerminal }: Pick<CommandContext, 'outIsTerminal'>): number | undefined {
  return toldColumns({ columns: outIsTerminal ? process.stdout.columns : undefined, env: process.env });
}
