import type { CommandContext } from './runCommand.js';

/** Shortest time between two drawings, for the eye and for slow terminals. */
const REDRAW_MS = 100;

/** Erases the line the cursor is on (ECMA-48 EL) and returns to its start. */
const ERASE_LINE = '\r\u001b[2K';

/** One line that is redrawn on standard error while something takes long; nothing at all unless it is a terminal. */
export class ProgressLine {
  readonly #context: Pick<CommandContext, 'err' | 'errIsTerminal'>;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: Pick<CommandContext, 'err' | 'errIsTerminal'>) {
    this.#context = context;
  }

  draw(text: string): void {
    const nowMs = performance.now();
    if (!this.#context.errIsTerminal || nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    this.#context.err(ERASE_LINE + text);
  }

  /** Removes what was drawn. */
  clear(): void {
    if (this.#drawnAtMs === Number.NEGATIVE_INFINITY) return;
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
    this.#context.err(ERASE_LINE);
  }
}
