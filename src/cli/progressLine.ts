import { fitWidth } from '../bench/render/textWidth.js';
import type { CommandContext } from './runCommand.js';

/** Shortest time between two drawings, for the eye and for slow terminals. */
export const REDRAW_MS = 100;

/** Erases the line the cursor is on (ECMA-48 EL) and returns to its start. */
const ERASE_LINE = '\r\u001b[2K';

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
