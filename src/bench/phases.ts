import type { ProductType } from '../ops/operators.js';
import type { ModelInfo } from '../transcribe/types.js';
import {
  batchDecodeWork,
  convStemWork,
  type DecodedSize,
  encoderLayersWork,
  prefillWork,
  type RunSize,
  sumWork,
  type Work,
} from './workload.js';

/** What a phase has to work on. */
interface PhaseLoad {
  readonly model: ModelInfo;
  /** Segments that were computed; audio that is not cut is one. */
  readonly segments: readonly RunSize[];
  /** Those of them that the decoder was given. */
  readonly decoded: readonly DecodedSize[];
  /** Passes of the decoder after the prefills. */
  readonly decodeSteps: number;
}

/** One part of a run, with everything that tells it apart from the others. */
interface PhaseEntry {
  /** In stored results: the time is `phases.{id}Ms`, memory and work name the phase itself. */
  readonly id: string;
  /** In summaries, tables, `--fail-if` and style sheets. */
  readonly metric: string;
  /** In charts and legends. */
  readonly title: string;
  /** Where a line has little room, when not the title. */
  readonly shortTitle?: string;
  /** Which sum of the classic output counts it; a phase of neither is too short to have a peak of memory. */
  readonly part: 'encode' | 'decode' | null;
  /** In charts on a light and on a dark page. */
  readonly color: { readonly light: `#${string}`; readonly dark: `#${string}` };
  /** Done once before the runs of a model, which then do not have it. */
  readonly once?: true;
  /** Results of before there was such a phase leave it out. */
  readonly later?: true;
  /** The arithmetic and traffic of one run; null where the phase does not happen. Left out where nobody knows them. */
  readonly work?: (load: PhaseLoad) => Work | null;
  /** Which of the model's products most of its own are; left out: those of a decode step. */
  readonly multiplies?: keyof ModelInfo['products'];
}

/** The parts of a run in the order they happen. They do not overlap: in milliseconds they sum to the run's totalMs. */
export const PHASES = [
  {
    id: 'load',
    metric: 'load',
    title: 'load',
    part: null,
    color: { light: '#57606a', dark: '#8b949e' },
    once: true,
  },
  {
    id: 'audioDecode',
    metric: 'audio_decode',
    title: 'audio decode',
    part: null,
    color: { light: '#737d88', dark: '#a0a9b3' },
    once: true,
  },
  {
    id: 'resample',
    metric: 'resample',
    title: 'resample',
    part: null,
    color: { light: '#87919c', dark: '#b6bec7' },
    once: true,
  },
  {
    id: 'segment',
    metric: 'segment',
    title: 'segmentation',
    part: null,
    color: { light: '#9aa3ad', dark: '#7d8792' },
    later: true,
  },
  {
    id: 'mel',
    metric: 'mel',
    title: 'mel spectrogram',
    part: 'encode',
    color: { light: '#4a9ff5', dark: '#8cc6ff' },
  },
  {
    id: 'convStem',
    metric: 'conv_stem',
    title: 'conv stem',
    part: 'encode',
    color: { light: '#1f74d0', dark: '#4a9af5' },
    work: ({ model, segments }) => sumWork(segments.map((size) => convStemWork(model, size))),
    multiplies: 'convolutions', // the projection behind them is a twenty-fifth of the work
  },
  {
    id: 'encoderLayers',
    metric: 'encoder_layers',
    title: 'encoder layers',
    shortTitle: 'encoder',
    part: 'encode',
    color: { light: '#0a4a94', dark: '#2b74d8' },
    work: ({ model, segments }) =>
      sumWork(segments.map(({ audioTokens }) => encoderLayersWork(model, audioTokens))),
    multiplies: 'encoderLayers',
  },
  {
    id: 'prefill',
    metric: 'prefill',
    title: 'prefill',
    part: 'decode',
    color: { light: '#e0701f', dark: '#ffb066' },
    work: ({ model, decoded }) =>
      decoded.length === 0
        ? null
        : sumWork(decoded.map(({ promptTokens }) => prefillWork(model, promptTokens))),
    multiplies: 'prefill',
  },
  {
    id: 'decode',
    metric: 'decode_steps',
    title: 'decode steps',
    shortTitle: 'decode',
    part: 'decode',
    color: { light: '#b04a06', dark: '#e8853a' },
    work: ({ model, decoded, decodeSteps }) =>
      decoded.length === 0 || decodeSteps === 0 ? null : batchDecodeWork(model, decoded, decodeSteps),
  },
  {
    id: 'detokenize',
    metric: 'detokenize',
    title: 'detokenise',
    part: null,
    color: { light: '#8250df', dark: '#b78cff' },
  },
  {
    id: 'other',
    metric: 'other',
    title: 'other',
    part: null,
    color: { light: '#6e7781', dark: '#8b949e' },
  },
] as const satisfies readonly PhaseEntry[];

type Listed = (typeof PHASES)[number];

export type PhaseName = Listed['id'];

type Milliseconds<Name extends PhaseName> = { readonly [Id in Name as `${Id}Ms`]: number | null };

type LaterPhase = Extract<Listed, { readonly later: true }>['id'];

/**
 * Milliseconds of each part of a run; null where the run has no such part: load, audioDecode and resample come before the
 * loop unless every run is a process, segment belongs to audio that is cut, and other is what no phase was charged with.
 */
export interface PhaseTimes
  extends Milliseconds<Exclude<PhaseName, LaterPhase>>,
    Partial<Milliseconds<LaterPhase>> {}

/** A phase of the table. */
export type Phase = PhaseEntry & { readonly id: PhaseName; readonly metric: Listed['metric'] };

/** The phases that are done once before the runs of a model. */
export const ONCE_PHASES = PHASES.filter((phase) => 'once' in phase);

/** The phases of encoder and decoder: the others are but a small part of a run. */
export const MAIN_PHASES: readonly Phase[] = PHASES.filter(({ part }) => part !== null);

/** Milliseconds of a phase; null where the run does not tell. */
export function phaseMs(phases: PhaseTimes, id: PhaseName): number | null {
  return phases[`${id}Ms`] ?? null;
}

/** The phase of that id in a stored result. */
export function phaseOf(id: PhaseName): Phase {
  return PHASES.find((phase) => phase.id === id)!;
}

/** What a run's phase has to do, as results store it. */
export interface PhaseWork extends Work {
  readonly phase: PhaseName;
  /** The ceiling of its arithmetic. */
  readonly arithmetic: ProductType;
}

/**
 * The work of each phase of one run.
 *
 * @example
 * workOfRun(model.info, { frames: 1100, audioTokens: 143, promptTokens: 157, tokens: 33 });
 */
export function workOfRun(model: ModelInfo, size: RunSize): PhaseWork[] {
  return workOfSegments(model, [size], Math.max(0, (size.tokens ?? 0) - 1));
}

/**
 * The work of each phase of a run over segments. Encoder and prefill read their weights for every segment; a decode step
 * reads the decoder's once, however many segments it serves.
 *
 * @param segments those that were computed
 * @param decodeSteps passes of the decoder after the prefills
 */
export function workOfSegments(
  model: ModelInfo,
  segments: readonly RunSize[],
  decodeSteps: number,
): PhaseWork[] {
  const decoded = segments.flatMap(({ promptTokens, tokens }) =>
    promptTokens === null || tokens === null ? [] : [{ promptTokens, tokens }],
  );
  const load = { model, segments, decoded, decodeSteps };
  // Of a step, which has few rows; weights of 4 bits are multiplied as bytes.
  const product = model.precision === 'int4' ? 'int8' : model.precision;
  return PHASES.flatMap((phase) => {
    const work = 'work' in phase ? phase.work(load) : null;
    const arithmetic = 'multiplies' in phase ? model.products[phase.multiplies] : product;
    return work === null ? [] : [{ phase: phase.id, ...work, arithmetic }];
  });
}
