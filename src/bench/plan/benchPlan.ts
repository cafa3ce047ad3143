import { printableLine } from '../../printable.js';
import type { LoadOptions } from '../../transcribe/types.js';
import { createRandom } from '../statistics/random.js';

/** `pipeline`: audio to text; `encoder`: mel spectrogram to audio embeddings. */
export type BenchmarkMode = 'pipeline' | 'encoder';

/** What a benchmark hears. */
export type AudioPlan =
  | { readonly kind: 'silence'; readonly seconds: number }
  | { readonly kind: 'file'; readonly path: string };

/** The part of the load options that a user chooses. */
export type ArithmeticChoice = Pick<LoadOptions, 'threads' | 'backend' | 'precision' | 'isa'>;

/** Whose clock a recording is spoken by: one that only what is computed moves on, or the world's. */
export const PACES = ['simulated', 'recording'] as const;

/** A live transcription: text while it is spoken. */
export interface StreamPlan {
  /** Audio from one step to the next. */
  readonly chunkSeconds: number;
  readonly pace: (typeof PACES)[number];
}

/** One setting of the engine. */
export interface ModelCellPlan {
  readonly kind: 'model';
  /** Unique in the plan: the axes that vary, such as `t=2 s=5`, or `base`. */
  readonly id: string;
  /** How the output calls it beside others. */
  readonly label: string;
  readonly mode: BenchmarkMode;
  /** A model directory, or `synthetic:SIZE[:SEED]`. */
  readonly model: string;
  readonly load: ArithmeticChoice;
  readonly audio: AudioPlan;
  /** Decode exactly this many tokens (a segment, where the audio is cut); undefined leaves it to the model, or to {@link syntheticTokens}. */
  readonly exactTokens: number | undefined;
  readonly language: string | undefined;
  /** Cut the audio into segments of about this length; null: never. */
  readonly segmentSeconds: number | null;
  /** Segments decoded side by side; 1 where nothing is cut. */
  readonly batch: number;
  /** Leave silence out, as SegmentationOptions.skipSilence. */
  readonly skipSilence: boolean;
  /** Leave out all but speech, as SegmentationOptions.vad. */
  readonly vad: boolean;
  /** Null: all of the audio is there from the start. */
  readonly stream: StreamPlan | null;
}

/** A cell of which nothing is asked for. */
export const BASE_CELL: Omit<ModelCellPlan, 'audio'> = {
  ...{ kind: 'model', id: 'base', label: 'base', mode: 'pipeline', model: '', load: {} },
  ...{ exactTokens: undefined, language: undefined, segmentSeconds: null, batch: 1, skipSilence: false },
  ...{ vad: false, stream: null },
};

/** Another engine's command, on the same audio. */
export interface CommandCellPlan {
  readonly kind: 'command';
  readonly id: string;
  readonly label: string;
  /** As the user wrote it, with its placeholders. */
  readonly command: string;
  readonly audio: AudioPlan;
  /** What {model} stands for. */
  readonly model: string;
  /** What {threads} stands for; undefined: as many as this engine takes by default. */
  readonly threads: number | undefined;
}

export type CellPlan = ModelCellPlan | CommandCellPlan;

/** One measurement, decided before anything is loaded. */
export interface BenchPlan {
  /** `comparison`: the first cell against each of the others. */
  readonly kind: 'benchmark' | 'sweep' | 'comparison';
  readonly cells: readonly CellPlan[];
  /** Measured runs of every cell; null: as many as the budget allows. */
  readonly runs: number | null;
  /** Runs that are not counted; `auto`: until they are steady. */
  readonly warmup: number | 'auto';
  /** Pause before every run. */
  readonly delayMs: number;
  /** No round begins that would probably end later than this after the first warm-up began. */
  readonly budgetMs: number | null;
  /** A process of its own for every cell. */
  readonly isolated: boolean;
  /** Measure the machine's ceilings first. */
  readonly roofline: boolean;
}

/** Speech brings about 3 tokens a second; random weights would never stop on their own. */
const SYNTHETIC_TOKENS_PER_SECOND = 3;

/** Tokens that a run on random weights decodes when the user named no number: 15 for 5 seconds. */
export function syntheticTokens(durationMs: number): number {
  return Math.max(1, Math.round((durationMs / 1000) * SYNTHETIC_TOKENS_PER_SECOND));
}

/** Repeats the order of a measurement exactly. */
const ORDER_SEED = 1;

/**
 * The order in which the cells of a round are run, so that no cell has a place of its own in a machine's drift: two
 * cells alternate as ABBA ABBA…, more are shuffled anew in every round (Fisher and Yates), the same in every
 * measurement.
 *
 * @param cells how many there are
 * @returns their indices, a permutation for each round that is asked for
 * @example
 * const orderOf = runOrder(2);
 * orderOf(0); // [0, 1]
 * orderOf(1); // [1, 0]
 */
export function runOrder(cells: number): (round: number) => readonly number[] {
  if (cells <= 2) {
    const forth = Array.from({ length: cells }, (_, index) => index);
    const back = forth.toReversed();
    return (round) => (round % 2 === 0 ? forth : back);
  }
  return (round) => {
    const order = Array.from({ length: cells }, (_, index) => index);
    const random = createRandom(ORDER_SEED + round);
    for (let last = cells - 1; last > 0; last--) {
      const other = random.integer(last + 1);
      [order[last], order[other]] = [order[other]!, order[last]!];
    }
    return order;
  };
}

/** What `--dry-run` prints: how much would be measured, and every cell of it. */
export function formatPlan({ cells, runs, warmup, budgetMs, kind }: BenchPlan): string {
  const count = `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`;
  const each = runs === null ? 'as many runs as fit' : `${runs} run(s) each`;
  const before = warmup === 'auto' ? 'warm-up until steady' : `${warmup} before them to warm up`;
  const within = budgetMs === null ? '' : `, within ${budgetMs / 1000} s`;
  const lines = cells.map((cell) => {
    if (cell.kind === 'command') return `  ${cell.command}`;
    return kind === 'comparison' ? `  ${cell.label}` : `  ${cell.id}`;
  });
  return `${count}, ${each}, ${before}${within}\n${lines.map(printableLine).join('\n')}\n`;
}
