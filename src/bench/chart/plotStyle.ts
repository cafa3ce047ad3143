import { DEFAULT_COLUMNS } from '../../text/textWidth.js';

/** What the terminal can show. */
export interface PlotStyle {
  /** Columns that a line may take. */
  readonly width: number;
  /** Block elements and arrows; else ASCII. */
  readonly unicode: boolean;
  readonly color: boolean;
}

/** ANSI colours that are readable on dark and light backgrounds. */
export type PlotColor = 'blue' | 'yellow' | 'green' | 'magenta' | 'cyan' | 'red' | 'dim';

const CODES: Readonly<Record<PlotColor, number>> = {
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  dim: 2,
};

/** The text in a colour (ECMA-48 SGR), or as it is. */
export function paint(text: string, color: PlotColor, style: PlotStyle): string {
  return style.color && text !== '' ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text;
}

/** What the environment says about the terminal. */
export interface TerminalFacts {
  readonly isTerminal: boolean;
  /** Its width when it is one. */
  readonly columns: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Columns for what is printed: those of the terminal, else of COLUMNS (POSIX); undefined where neither tells. */
export function toldColumns({ columns, env }: Pick<TerminalFacts, 'columns' | 'env'>): number | undefined {
  const told = Number(env['COLUMNS']);
  return columns || (Number.isInteger(told) && told > 0 ? told : undefined);
}

/** The fewest and most columns that make a plot readable. */
const NARROWEST = 48;
const WIDEST = 120;

/**
 * Chooses colours by NO_COLOR (no-color.org) and whether a terminal is there, block characters by the locale, and the
 * width of the terminal.
 */
export function plotStyleOf({ isTerminal, columns, env }: TerminalFacts): PlotStyle {
  const width = toldColumns({ columns, env }) ?? DEFAULT_COLUMNS;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  const terminal = env['TERM'] ?? '';
  // Without a locale, as in many containers, the terminal outside is almost surely UTF-8; the Linux console is not.
  const unicode = locale === '' ? !['linux', 'dumb'].includes(terminal) : /utf-?8/i.test(locale);
  return {
    width: Math.min(Math.max(width, NARROWEST), WIDEST),
    unicode,
    color: isTerminal && terminal !== 'dumb' && !env['NO_COLOR'],
  };
}
