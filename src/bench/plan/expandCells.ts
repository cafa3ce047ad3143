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
  readonly language: string | undefined;
}

/** An axis that varies and its value in one cell, as the id shows it: `t=2`. */
type Coordinate = readonly [name: string, value: string | number | undefined, varies: boolean];

/**
 * Every combination of the axes once, models outermost, so that neighbouring cells share their model where possible.
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
  ] as const);
  return combinations.map(([model, mode, backend, isa, precision, threads, audio, exactTokens]) => {
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
    ]);
    const load = {
      ...(threads !== undefined && { threads }),
      ...(backend !== undefined && { backend }),
      ...(precision !== undefined && { precision }),
      ...(isa !== undefined && { isa }),
    };
    const { language } = axes;
    return { kind: 'model', id, label: id, mode, model, load, audio, exactTokens, language };
  });
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
