import { type PlotStyle, plotStyleOf, toldColumns } from '../bench/chart/plotStyle.js';
import { characterWidth, fitWidth, textWidth } from '../text/textWidth.js';
import type { CommandContext } from './runCommand.js';

/** ECMA-48: erase the line (EL), cursor up (CUU), cursor to a column (CHA, the first is 1). */
const ERASE_LINE = '\r\u001b[2K';
const UP = '\u001b[A';
const toColumn = (column: number): string => `\u001b[${column + 1}G`;

/** Shortest time between two drawings, for the eye and for slow terminals. */
const REDRAW_MS = 100;

/** Where it is shown how far something has come. */
export interface Status {
  /** Shows a line in place of the one before. */
  draw(text: string): void;
  /** Removes what was drawn. */
  clear(): void;
}

/** One line that is redrawn on standard error while something takes long; nothing at all unless it is a terminal. */
export class ProgressLine implements Status {
  readonly #context: Pick<CommandContext, 'err' | 'errIsTerminal'>;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: Pick<CommandContext, 'err' | 'errIsTerminal'>) {
    this.#context = context;
  }

  draw(text: string): void {
    const nowMs = performance.now();
    if (!this.#context.errIsTerminal || nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    // A line that wraps could not be erased.
    this.#context.err(ERASE_LINE + fitWidth(text, terminalColumns() - 1));
  }

  clear(): void {
    if (this.#drawnAtMs === Number.NEGATIVE_INFINITY) return;
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
    this.#context.err(ERASE_LINE);
  }
}

/** Width of the terminal; 80 where it does not tell, or tells 0 as some pseudo-terminals do. */
export function terminalColumns(): number {
  return process.stderr.columns || process.stdout.columns || 80;
}

/**
 * A terminal on which text appears piece by piece while a status is shown in the line below it. The cursor only moves
 * relative to where it is, so what scrolls away stays as it was; for that, the column that the text has reached is
 * followed here.
 */
export class TerminalScreen implements Status {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  /** Columns taken of the text's last line; all of them: the next character begins another line. */
  #column = 0;
  /** The last character with its marks. */
  #last = '';
  #status = '';
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(write: (text: string) => void, columns: () => number) {
    this.#write = write;
    this.#columns = columns;
  }

  /** Puts text where the text before it ended. */
  print(text: string): void {
    const status = this.#status;
    const back = this.#leaveStatus();
    this.#follow(text);
    this.#write(back + text + this.#enterStatus(status));
  }

  draw(status: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    this.#write(this.#leaveStatus() + this.#enterStatus(status));
  }

  clear(): void {
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
    const back = this.#leaveStatus();
    if (back !== '') this.#write(back);
  }

  /** Back to the end of the text. No command leads behind the last column of a line, only its last character does. */
  #leaveStatus(): string {
    if (this.#status === '') return '';
    this.#status = '';
    if (this.#column === 0) return ERASE_LINE;
    if (this.#column < this.#columns()) return ERASE_LINE + UP + toColumn(this.#column);
    return ERASE_LINE + UP + toColumn(this.#columns() - textWidth(this.#last)) + this.#last;
  }

  #enterStatus(status: string): string {
    if (status === '') return '';
    this.#status = status;
    return (this.#column === 0 ? '' : '\r\n') + fitWidth(status, this.#columns() - 1);
  }

  #follow(text: string): void {
    const columns = this.#columns();
    for (const character of text) {
      const width = characterWidth(character);
      this.#last = width === 0 ? this.#last + character : character;
      if (character === '\n') this.#column = 0;
      else if (character === '\t')
        this.#column = Math.min(columns - 1, (Math.floor(this.#column / 8) + 1) * 8);
      else this.#column = this.#column + width > columns ? width : this.#column + width;
    }
  }
}

/** What plots on standard output may look like. */
export function terminalStyle({ outIsTerminal }: Pick<CommandContext, 'outIsTerminal'>): PlotStyle {
  return plotStyleOf({ isTerminal: outIsTerminal, columns: process.stdout.columns, env: process.env });
}

/** Columns of the terminal that standard output is, or those that the environment names; undefined without either. */
export function outputColumns({ outIsTerminal }: Pick<CommandContext, 'outIsTerminal'>): number | undefined {
  return toldColumns({ columns: outIsTerminal ? process.stdout.columns : undefined, env: process.env });
}
