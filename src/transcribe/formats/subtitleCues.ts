import { type SpokenText, type TimedPiece, timedPieces } from './timedPieces.js';

/** What is shown at once, and when. */
export interface SubtitleCue {
  /** Whole milliseconds; cues never overlap. */
  readonly startMs: number;
  readonly endMs: number;
  /** One or two, of at most {@link SUBTITLE_LIMITS}.columns. */
  readonly lines: readonly string[];
  /** The same in one line. */
  readonly text: string;
  /** When it is said, as far as known; it may be shown a little longer, earlier or later. */
  readonly spokenStartMs: number;
  readonly spokenEndMs: number;
}

/**
 * What people can read. Lines, length and speed are those of Netflix's timed text style guide (42 characters in at most two
 * lines, 7 s, 17 characters or 200 words a minute for adults); its shortest is 5/6 s.
 */
export const SUBTITLE_LIMITS = {
  columns: 42,
  lines: 2,
  minMs: 1000,
  maxMs: 7000,
  columnsPerSecond: 17,
  /** A cue that needs more time than its speech takes may come this much sooner. */
  leadMs: 500,
  /** Cues fall behind speech that is faster than people read, by no more than this: then they go as fast as the speech. */
  lagMs: 1000,
} as const;

/** A pause of this length ends a cue. */
const PAUSE_MS = 700;
/** Within a sentence a cue ends better in a pause of this length than elsewhere. */
const BREATH_MS = 200;
/** So many pieces without the end of a sentence are cut where they are. */
const MOST_PENDING = 400;

/** Sentences end with these, closing quotes and brackets behind them included. */
const ENDS_SENTENCE = /[.!?…。！？｡।؟][\p{Pe}\p{Pf}"']*$/u;
/** `3.` of a date, initials and common abbreviations end none. */
const ABBREVIATED = /(^|[\p{P}\p{Zs}])(\p{N}+|\p{L}|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|No|bzw|ca|Nr|Sra|Srta)\.$/u;
const ENDS_CLAUSE = /[,;:，、；：–—][\p{Pe}\p{Pf}"']*$/u;

/** Cues on their way: pieces that are shown together. */
interface Draft {
  readonly pieces: readonly TimedPiece[];
  readonly lines: readonly string[];
  /** How long it takes to read, at least. */
  readonly readMs: number;
}

/**
 * Makes cues of a transcript, segment by segment: split at the ends of sentences and at pauses, else after commas; two
 * short sentences that follow at once stand together. docs/output.md says what holds for times.
 *
 * @example
 * const cues = new SubtitleCues();
 * for await (const segment of model.transcribeLong(audio)) for (const cue of cues.add(segment)) show(cue);
 * for (const cue of cues.finish()) show(cue);
 */
export class SubtitleCues {
  /** Behind the last end of a sentence. */
  #pending: TimedPiece[] = [];
  /** Waits for the start of the next one. */
  #draft: Draft | null = null;
  #text = '';
  #shownUntilMs = 0;

  /** @returns the cues that are certain now */
  add(segment: SpokenText): SubtitleCue[] {
    if (segment.text === '') return [];
    this.#pending.push(...timedPieces(segment, this.#text, SUBTITLE_LIMITS.columns));
    this.#text = segment.text;
    const cues: SubtitleCue[] = [];
    for (let end = 1; end < this.#pending.length; end++) {
      if (!endsBlock(this.#pending[end - 1]!, this.#pending[end]!) && end < MOST_PENDING) continue;
      cues.push(...this.#take(end));
      end = 0;
    }
    return cues;
  }

  finish(): SubtitleCue[] {
    const cues = this.#take(this.#pending.length);
    if (this.#draft !== null) cues.push(this.#schedule(this.#draft, Number.POSITIVE_INFINITY));
    this.#draft = null;
    return cues;
  }

  #take(count: number): SubtitleCue[] {
    return draftsOf(this.#pending.splice(0, count)).flatMap((draft) => {
      const last = this.#draft;
      this.#draft = draft;
      if (last === null) return [];
      this.#draft = joined(last, draft) ?? draft;
      return this.#draft === draft ? [this.#schedule(last, startOf(draft))] : [];
    });
  }

  /** When a cue is shown: as long as it is spoken, or as it takes to read, within the limits. */
  #schedule(draft: Draft, nextMs: number): SubtitleCue {
    const { minMs, maxMs, leadMs, lagMs } = SUBTITLE_LIMITS;
    const [spokenStartMs, spokenEndMs] = [startOf(draft), endOf(draft)];
    const wanted = Math.max(spokenStartMs - leadMs, Math.min(spokenStartMs, nextMs - draft.readMs));
    const startMs = Math.round(Math.max(this.#shownUntilMs, wanted));
    const untilMs = Math.min(Math.max(spokenEndMs, startMs + draft.readMs), nextMs + lagMs, startMs + maxMs);
    const endMs = Math.round(Math.max(untilMs, startMs + minMs));
    this.#shownUntilMs = endMs;
    const text = textOf(draft.pieces, 0, draft.pieces.length);
    return { startMs, endMs, lines: draft.lines, text, spokenStartMs, spokenEndMs };
  }
}

function startOf({ pieces }: Draft): number {
  return pieces[0]!.startMs;
}

function endOf({ pieces }: Draft): number {
  return pieces.at(-1)!.endMs;
}

/** Whether a sentence ends between two pieces, or a pause lies there. */
function endsBlock(last: TimedPiece, next: TimedPiece): boolean {
  if (next.startMs - last.endMs >= PAUSE_MS) return true;
  return ENDS_SENTENCE.test(last.text) && !ABBREVIATED.test(last.text) && !/^\p{Ll}/u.test(next.text);
}

function draftOf(pieces: readonly TimedPiece[]): Draft | null {
  const lines = linesOf(pieces);
  if (lines === null) return null;
  const width = widthOf(pieces, 0, pieces.length);
  const readMs = Math.ceil((1000 * width) / SUBTITLE_LIMITS.columnsPerSecond);
  return { pieces, lines, readMs: Math.max(SUBTITLE_LIMITS.minMs, readMs) };
}

/** Two that follow one another as one, where the first could not be read in its own time. */
function joined(first: Draft, second: Draft): Draft | null {
  const gapMs = startOf(second) - endOf(first);
  const hasTime = startOf(second) - startOf(first) >= first.readMs;
  const tooLong = endOf(second) - startOf(first) > SUBTITLE_LIMITS.maxMs;
  return hasTime || tooLong || gapMs >= PAUSE_MS ? null : draftOf([...first.pieces, ...second.pieces]);
}

/** A sentence in as few cues as hold it, of much the same length, that end where a reader would pause. */
function draftsOf(pieces: readonly TimedPiece[]): Draft[] {
  /** The cheapest way to cut the first n pieces: its cost, and where its last cue begins. */
  const best: { cost: number; start: number }[] = [{ cost: 0, start: 0 }];
  for (let end = 1; end <= pieces.length; end++) {
    let cheapest = { cost: Number.POSITIVE_INFINITY, start: end - 1 };
    for (let start = end - 1; start >= 0; start--) {
      const own = costOf(pieces, start, end);
      if (own === null) break;
      const cost = best[start]!.cost + own;
      if (cost < cheapest.cost) cheapest = { cost, start };
    }
    best.push(cheapest);
  }
  const drafts: Draft[] = [];
  for (let end = pieces.length; end > 0; end = best[end]!.start) {
    drafts.unshift(draftOf(pieces.slice(best[end]!.start, end))!);
  }
  return drafts;
}

/** How bad the pieces from start to before end are as a cue, where 1 is what any cue costs; null: too much for one. */
function costOf(pieces: readonly TimedPiece[], start: number, end: number): number | null {
  const { columns, lines, maxMs } = SUBTITLE_LIMITS;
  const [first, last, next] = [pieces[start]!, pieces[end - 1]!, pieces[end]];
  const width = widthOf(pieces, start, end);
  if (end - start > 1 && (width > columns * lines || last.endMs - first.startMs > maxMs)) return null;
  if (width > columns && linesOf(pieces.slice(start, end)) === null) return Number.POSITIVE_INFINITY;
  // Squares are least when cues are equal.
  const fill = width / (columns * lines);
  if (next === undefined || ENDS_CLAUSE.test(last.text)) return 1 + fill ** 2;
  return 1 + fill ** 2 + (next.startMs - last.endMs >= BREATH_MS ? 0.2 : 0.6);
}

/** Columns of pieces on one line. */
function widthOf(pieces: readonly TimedPiece[], start: number, end: number): number {
  let width = 0;
  for (let i = start; i < end; i++) width += pieces[i]!.width + (i > start ? pieces[i]!.separator.length : 0);
  return width;
}

function textOf(pieces: readonly TimedPiece[], start: number, end: number): string {
  const words = pieces.slice(start, end).map(({ separator, text }, i) => (i === 0 ? '' : separator) + text);
  return words.join('');
}

/** One line where it fits, else two, broken after punctuation or in the middle; null where two do not do. */
function linesOf(pieces: readonly TimedPiece[]): string[] | null {
  const { columns } = SUBTITLE_LIMITS;
  if (widthOf(pieces, 0, pieces.length) <= columns) return [textOf(pieces, 0, pieces.length)];
  let best: { cost: number; at: number } | null = null;
  for (let at = 1; at < pieces.length; at++) {
    const [upper, lower] = [widthOf(pieces, 0, at), widthOf(pieces, at, pieces.length)];
    if (upper > columns || lower > columns) continue;
    const before = pieces[at - 1]!.text;
    const bonus = ENDS_SENTENCE.test(before) ? columns : ENDS_CLAUSE.test(before) ? columns / 3 : 0;
    const cost = Math.abs(upper - lower) - bonus;
    if (best === null || cost < best.cost) best = { cost, at };
  }
  return best === null ? null : [textOf(pieces, 0, best.at), textOf(pieces, best.at, pieces.length)];
}
