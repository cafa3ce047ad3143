import { characterWidth, fitWidth, textWidth } from '../bench/render/textWidth.js';
import { REDRAW_MS, type Status } from './progressLine.js';

/** ECMA-48: erase the line (EL), cursor up (CUU), cursor to a column (CHA, the first is 1). */
const ERASE_LINE = '\r\u001b[2K';
const UP = '\u001b[A';
const toColumn = (column: number): string => `\u001b[${column + 1}G`;

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
