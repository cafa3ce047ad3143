import type { CellChange, Setting } from '../settings/setting.js';
import { ALL_SETTINGS, type CellFlag, type SettingName } from '../settings/settings.js';
import { inOrder } from '../settings/storedSettings.js';
import { type AudioPlan, BASE_CELL, type ModelCellPlan } from './benchPlan.js';

/** From the slowest to the fastest, so that neighbouring cells share their model where possible; a new one comes last. */
const EXPANSION_ORDER: readonly SettingName[] = [
  ...(['model', 'what', 'backend', 'isa', 'precision', 'threads', 'audio', 'tokens', 'segment'] as const),
  ...(['vad', 'batch', 'stream', 'chunk', 'pace'] as const),
];

/** The settings as a sweep expands them; what is heard has its place among them. */
const EXPANDED_SETTINGS = inOrder(ALL_SETTINGS, EXPANSION_ORDER, ([name]) => name);

/** Values of settings by their flag, one or several each; what is left out has its default. */
export type SweepValues = { readonly [Flag in CellFlag]?: unknown };

/** A cell on its way, and what of it varies: `t=2`. */
interface Draft {
  readonly cell: ModelCellPlan;
  readonly coordinates: readonly string[];
}

/**
 * Every combination of the values once, models outermost, so that neighbouring cells share their model where possible.
 * Audio that is not cut is there once, not for every size of a batch.
 *
 * @param audio what is heard, at least one
 * @example
 * expandCells([{ kind: 'silence', seconds: 5 }], { threads: [1, 2] }).map(({ id }) => id); // ['t=1', 't=2']
 */
export function expandCells(audio: readonly AudioPlan[], values: SweepValues): ModelCellPlan[] {
  const [first] = audio;
  if (first === undefined) return [];
  let drafts: Draft[] = [{ cell: { ...BASE_CELL, audio: first }, coordinates: [] }];
  for (const [name, setting] of EXPANDED_SETTINGS) {
    drafts = drafts.flatMap((draft) =>
      name === 'audio' ? withAudio(draft, audio) : withValues(draft, setting, values[name as CellFlag]),
    );
  }
  return drafts.map(({ cell, coordinates }) => {
    const id = coordinates.length === 0 ? 'base' : coordinates.join(' ');
    return { ...cell, id, label: id };
  });
}

function withAudio({ cell, coordinates }: Draft, audio: readonly AudioPlan[]): Draft[] {
  return audio.map((one) => {
    const coordinate = one.kind === 'file' ? `i=${one.path}` : `s=${one.seconds}`;
    return {
      cell: { ...cell, audio: one },
      coordinates: [...coordinates, ...(audio.length > 1 ? [coordinate] : [])],
    };
  });
}

function withValues(draft: Draft, { cell: change }: Setting, given: unknown): Draft[] {
  const { cell, coordinates } = draft;
  if (given === undefined || change === undefined || change.applies?.(cell) === false) return [draft];
  const values: readonly unknown[] = Array.isArray(given) ? given : [given];
  return values.map((value) => {
    const changed = changeCell(cell, change, value);
    const coordinate = `${change.id}=${change.shown(changed)}`;
    return { cell: changed, coordinates: [...coordinates, ...(values.length > 1 ? [coordinate] : [])] };
  });
}

/** A cell with a setting that it may or may not have had before. */
export function changeCell(cell: ModelCellPlan, { put, applies }: CellChange, value: unknown): ModelCellPlan {
  // The table has read the value, so it is of the type that its own entry takes.
  return applies?.(cell) === false ? cell : { ...cell, ...put(value as never, cell) };
}
