import { QwenAsrError } from '../error.js';
import type { DecoderSession, PrefillInput } from './decoder.js';
import type { Choice } from './decoderLayers.js';

/** When the decoding of a sequence ends. */
export interface GreedyOptions {
  readonly stopIds: ReadonlySet<number>;
  /** Tokens to generate at most, the end token included; at least 1. */
  readonly budget: number;
  /** Generate the whole budget: end tokens do not stop it. */
  readonly exact: boolean;
}

/** One generated token. */
export interface GreedyToken extends Choice {
  readonly isStop: boolean;
  /** No token follows. */
  readonly isLast: boolean;
  /** Wall time of the pass that chose it: prefill for the first token, one decode step for every other. */
  readonly passMs: number;
  /** Sequences that the pass chose a token for: 1 for prefill. */
  readonly rows: number;
}

/** Where in the batch a token belongs. */
export interface SequenceToken {
  /** Index of the sequence in the session; free again once its last token has been handed out. */
  readonly sequence: number;
  readonly token: GreedyToken;
}

export type GreedyInput = Omit<PrefillInput, 'sequence'>;

interface Row extends GreedyOptions {
  readonly sequence: number;
  /** The last token and its position, which is not in the cache yet. */
  id: number;
  position: number;
  /** Tokens generated so far. */
  count: number;
}

/** A prompt on its way into a sequence. */
export interface EnteringPrompt extends GreedyOptions {
  readonly sequence: number;
  readonly input: GreedyInput;
  /** Positions that are in the cache. */
  position: number;
}

/**
 * Greedy decoding of several sequences in one session. Sequences come and go one by one: `enter` puts a prompt where a
 * sequence is free, `begin` and `advance` do so in pieces, `step` extends all that are in by one token in one pass, so
 * that the weights are read once, and `leave` ends one early. A batch of which `step` has failed is not to be used again.
 */
export class GreedyBatch {
  readonly #session: DecoderSession;
  readonly #free: number[];
  #rows: Row[] = [];

  /** @param sequences how many the session holds */
  constructor(session: DecoderSession, sequences: number) {
    this.#session = session;
    this.#free = Array.from({ length: sequences }, (_, i) => sequences - 1 - i);
  }

  /** Sequences that are being decoded. */
  get activeCount(): number {
    return this.#rows.length;
  }

  /**
   * Runs a prompt through the decoder in a free sequence and chooses its first token.
   *
   * @throws QwenAsrError `internal` when no sequence is free or the prompt does not fit; `aborted`; `closed`
   */
  async enter(input: GreedyInput, options: GreedyOptions): Promise<SequenceToken> {
    return (await this.advance(this.begin(input, options), input.prompt.ids.length))!;
  }

  /**
   * Takes a free sequence for a prompt, of which nothing is computed yet.
   *
   * @throws QwenAsrError `internal` when no sequence is free
   */
  begin(input: GreedyInput, { stopIds, budget, exact }: GreedyOptions): EnteringPrompt {
    const sequence = this.#free.pop();
    if (sequence === undefined) throw new QwenAsrError('internal', 'decoder: expected a free sequence');
    return { stopIds, budget, exact, sequence, input, position: 0 };
  }

  /**
   * Runs the next positions of a prompt through the decoder, at most `maxRows`. After a failure it has to leave.
   *
   * @returns the first token once the whole prompt is in; null before
   * @throws QwenAsrError as {@link enter}
   */
  async advance(entering: EnteringPrompt, maxRows: number): Promise<SequenceToken | null> {
    const { sequence, input, position: from } = entering;
    const { length } = input.prompt.ids;
    const to = Math.min(length, from + maxRows);
    const startMs = performance.now();
    const piece = promptPiece(input, to);
    const choiceCount = to < length ? 0 : 1;
    const resuming = this.#session.resume({ sequence, ...piece, from, choiceCount });
    if (choiceCount === 1 && entering.budget > 1) this.#session.prepareStep(this.#rows.length + 1);
    const choices = await resuming;
    entering.position = to;
    const [choice] = choices;
    if (choice === undefined) return null;
    const { stopIds, budget, exact } = entering;
    const row: Row = { stopIds, budget, exact, sequence, id: -1, position: length - 1, count: 0 };
    const token = advance(row, choice, { passMs: performance.now() - startMs, rows: 1 });
    this.#rows.push(row);
    this.#dropEnded();
    return { sequence, token };
  }

  /** Gives up a sequence that has not ended, between two calls. */
  leave(sequence: number): void {
    this.#rows = this.#rows.filter((row) => row.sequence !== sequence);
    this.#free.push(sequence);
  }

  /** Appends each sequence's last token and chooses the next of each; at least one must be active. */
  async step(): Promise<SequenceToken[]> {
    const rows = this.#rows;
    const startMs = performance.now();
    const choices = await this.#session.step({
      ids: Int32Array.from(rows, ({ id }) => id),
      positions: Int32Array.from(rows, ({ position }) => position),
      sequences: Int32Array.from(rows, ({ sequence }) => sequence),
    });
    const pass = { passMs: performance.now() - startMs, rows: rows.length };
    const tokens = rows.map((row, i) => ({
      sequence: row.sequence,
      token: advance(row, choices[i]!, pass),
    }));
    this.#dropEnded();
    return tokens;
  }

  /** Frees the sequences that have ended. */
  #dropEnded(): void {
    this.#rows = this.#rows.filter((row) => {
      if (!hasEnded(row)) return true;
      this.#free.push(row.sequence);
      return false;
    });
  }
}

/** A prompt up to a position, with the audio that lies before it. */
function promptPiece({ prompt, audio }: GreedyInput, end: number): GreedyInput {
  const { ids, audioStart, audioTokens } = prompt;
  if (end === ids.length) return { prompt, audio };
  const tokens = Math.min(audioTokens, Math.max(0, end - audioStart));
  const values = tokens * (audio.length / audioTokens);
  return {
    prompt: { ids: ids.subarray(0, end), audioStart: Math.min(audioStart, end), audioTokens: tokens },
    audio: audio.subarray(0, values),
  };
}

function advance(row: Row, choice: Choice, pass: { passMs: number; rows: number }): GreedyToken {
  row.id = choice.id;
  row.position++;
  row.count++;
  return { ...choice, ...pass, isStop: row.stopIds.has(choice.id), isLast: hasEnded(row) };
}

function hasEnded({ id, count, budget, stopIds, exact }: Row): boolean {
  return count === budget || (stopIds.has(id) && !exact);
}

/** Greedy decoding of one sequence, alone in its session. */
export async function* decodeGreedily(
  session: DecoderSession,
  input: GreedyInput,
  options: GreedyOptions,
): AsyncGenerator<GreedyToken, void, undefined> {
  const batch = new GreedyBatch(session, 1);
  yield (await batch.enter(input, options)).token;
  while (batch.activeCount > 0) for (const { token } of await batch.step()) yield token;
}
