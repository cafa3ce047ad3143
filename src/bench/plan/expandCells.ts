import { DEFAULT_BATCH } from '../../transcribe/transcribeSegments.js';
import type { ArithmeticChoice, AudioPlan, BenchmarkMode, ModelCellPlan } from './benchPlan.js';

/** The values of every axis, at least one each; undefined stands for the default. */
export interface SweepAxes {
  readonly models: readonly string[];
  readonly modes: readonly BenchmarkMode[];
  readonly backends: readonly ArithmeticChoice['backend'][];
  readonly isas: readonly ArithmeticChoice['isa'][];
  readonly precisions: readonly ArithmeticChoice['precision'][];
  readonly threads: readonly (number | undefined)[];
  readonly audio: readonly AudioPlan[];
  readonly exactTokens: readonly (number | undefined)[];
  /** Null: the audio is not cut. */
  readonly segmentSeconds: readonly (number | null)[];
  /** Only for what is cut. */
  readonly batches: readonly (number | undefined)[];
  readonly language: string | undefined;
  readonly skipSilence: boolean;
}

/** An axis that varies and its value in one cell, as the id shows it: `t=2`. */
type Coordinate = readonly [name: string, value: string | number | undefined, varies: boolean];

/**
 * Every combination of the axes once, models outermost, so that neighbouring cells share their model where possible.
 * Audio that is not cut is there once, not for every size of a batch.
 *
 * @example
 * expandCells({ ...axes, threads: [1, 2] }).map(({ id }) => id); // ['t=1', 't=2']
 */
export function expandCells(axes: SweepAxes): ModelCellPlan[] {
  const combinations = product([
    axes.models,
    axes.modes,
    axes.backends,
    axes.isas,
    axes.precisions,
    axes.threads,
    axes.audio,
    axes.exactTokens,
    axes.segmentSeconds.flatMap((seconds) => segmentations(seconds, axes)),
  ] as const);
  return combinations.map(([model, mode, backend, isa, precision, threads, audio, exactTokens, cut]) => {
    const { segmentSeconds, batch } = cut;
    const id = cellId([
      ['d', model, axes.models.length > 1],
      ['w', mode === 'encoder' ? 1 : 0, axes.modes.length > 1],
      ['backend', backend ?? 'auto', axes.backends.length > 1],
      ['isa', isa ?? 'auto', axes.isas.length > 1],
      ['precision', precision ?? 'auto', axes.precisions.length > 1],
      ['t', threads ?? 'auto', axes.threads.length > 1],
      audio.kind === 'file'
        ? ['i', audio.path, axes.audio.length > 1]
        : ['s', audio.seconds, axes.audio.length > 1],
      ['tokens', exactTokens ?? 'auto', axes.exactTokens.length > 1],
      ['segment', segmentSeconds ?? 0, axes.segmentSeconds.length > 1],
      ['batch', batch, axes.batches.length > 1 && segmentSeconds !== null],
    ]);
    const load = {
      ...(threads !== undefined && { threads }),
      ...(backend !== undefined && { backend }),
      ...(precision !== undefined && { precision }),
      ...(isa !== undefined && { isa }),
    };
    const { language, skipSilence } = axes;
    return {
      ...{ kind: 'model', id, label: id, mode, model, load, audio, exactTokens, language },
      ...{ segmentSeconds, batch, skipSilence },
    };
  });
}

/** How audio is cut: a batch takes segments. */
type Segmentation = Pick<ModelCellPlan, 'segmentSeconds' | 'batch'>;

function segmentations(segmentSeconds: number | null, { batches }: SweepAxes): Segmentation[] {
  if (segmentSeconds === null) return [{ segmentSeconds, batch: 1 }];
  return batches.map((batch = DEFAULT_BATCH) => ({ segmentSeconds, batch }));
}

function cellId(coordinates: readonly Coordinate[]): string {
  const shown = coordinates.filter(([, , varies]) => varies).map(([name, value]) => `${name}=${value}`);
  return shown.length === 0 ? 'base' : shown.join(' ');
}

/** All ways to take one value from each list, the last list turning fastest. */
function product<const Lists extends readonly (readonly unknown[])[]>(
  lists: Lists,
): { readonly [Axis in keyof Lists]: Lists[Axis][number] }[] {
  const combinations = lists.reduce<readonly (readonly unknown[])[]>(
    (heads, list) => heads.flatMap((head) => list.map((value) => [...head, value])),
    [[]],
  );
  return combinations as { readonly [Axis in keyof Lists]: Lists[Axis][number] }[];
}
