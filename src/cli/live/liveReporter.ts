import { printableLine } from '../../printable.js';
import { characterWidth } from '../../text/textWidth.js';
import type { StreamEvent } from '../../transcribe/live/streamTypes.js';
import type { CommandContext } from '../runCommand.js';

/** Where the text of a live transcription goes. */
export interface LiveReporter {
  event(event: StreamEvent): void;
  /** Nothing follows: what stands and was held back comes out. */
  close(): void;
}

/** Every event as a line of JSON. */
export class JsonLines implements LiveReporter {
  readonly #out: CommandContext['out'];

  constructor(out: CommandContext['out']) {
    this.#out = out;
  }

  event(event: StreamEvent): void {
    const type = event.segmentText === null ? 'step' : 'segment';
    this.#out(`${JSON.stringify({ type, ...event })}\n`);
  }

  close(): void {}
}

/** A line for every segment, once it has ended. */
export class FinishedLines implements LiveReporter {
  readonly #out: CommandContext['out'];
  /** Of the segment that has not ended: what stands already. */
  #line = '';

  constructor(out: CommandContext['out']) {
    this.#out = out;
  }

  event({ committed, segmentText }: StreamEvent): void {
    this.#line += committed;
    if (segmentText === null) return;
    if (segmentText !== '') this.#out(`${printableLine(segmentText)}\n`);
    this.#line = '';
  }

  close(): void {
    if (this.#line.trim() !== '') this.#out(`${printableLine(this.#line.trim())}\n`);
    this.#line = '';
  }
}

/** ECMA-48: grey and the default colour (SGR), erase to the end of the screen (ED). */
const GREY = '\u001b[90m';
const NORMAL = '\u001b[39m';
const ERASE_BELOW = '\u001b[J';

/**
 * Text on a terminal: what stands is printed once, what may change follows in grey and is drawn anew each time. The
 * cursor only moves relative to where it is.
 */
export class LiveScreen implements LiveReporter {
  readonly #out: CommandContext['out'];
  readonly #size: () => { columns: number; rows: number };
  /** Where the text that stands ends, and how many lines below it the cursor is. */
  #column = 0;
  #below = 0;
  #isNewLine = true;

  constructor(out: CommandContext['out'], size: () => { columns: number; rows: number }) {
    this.#out = out;
    this.#size = size;
  }

  event({ committed, tentative, segmentText }: StreamEvent): void {
    const text = this.#isNewLine ? committed.trimStart() : committed;
    let drawn = this.#leaveTentative() + this.#put(printableLine(text));
    if (text !== '') this.#isNewLine = false;
    if (segmentText !== null) {
      if (!this.#isNewLine) drawn += '\r\n';
      this.#column = 0;
      this.#isNewLine = true;
    }
    this.#out(drawn + this.#enterTentative(this.#isNewLine ? tentative.trimStart() : tentative));
  }

  close(): void {
    this.#out(this.#leaveTentative() + (this.#isNewLine ? '' : '\r\n'));
    this.#isNewLine = true;
    this.#column = 0;
  }

  /** Text that stands; where it fills a line the next one is begun, so that the cursor's place is always known. */
  #put(text: string): string {
    const { columns } = this.#size();
    let put = '';
    for (const character of text) {
      const width = characterWidth(character);
      if (this.#column + width > columns) {
        put += '\r\n';
        this.#column = 0;
      }
      put += character;
      this.#column += width;
    }
    return put;
  }

  /** Text that may change: as much as the screen has room for. */
  #enterTentative(text: string): string {
    if (text === '') return '';
    const { columns, rows } = this.#size();
    let put = '';
    let column = this.#column;
    for (const character of printableLine(text)) {
      const width = characterWidth(character);
      if (column + width > columns) {
        if (this.#below + 2 >= rows) break;
        put += '\r\n';
        column = 0;
        this.#below++;
      }
      put += character;
      column += width;
    }
    return `${GREY}${put}${NORMAL}`;
  }

  #leaveTentative(): string {
    const up = this.#below === 0 ? '' : `\u001b[${this.#below}A`;
    this.#below = 0;
    return `${up}\u001b[${this.#column + 1}G${ERASE_BELOW}`;
  }
}
