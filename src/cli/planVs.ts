import type { ModelCellPlan } from '../bench/plan/benchPlan.js';
import { type CellFlag, changeCell, SETTINGS } from '../bench/settings.js';
import { QwenAsrError } from '../error.js';
import { checkSegments } from './checkSegments.js';
import { chosenModel } from './chosenModel.js';
import { parseOptions } from './options.js';
import { CELL_FLAGS, singleOptions } from './settingOptions.js';
import { shellWords } from './shellWords.js';

const OPTIONS = singleOptions(CELL_FLAGS, '--vs');

/** B of a comparison, and the flags of what it has another value of than A. */
export interface VsPlan {
  readonly cell: ModelCellPlan;
  readonly flags: readonly CellFlag[];
}

/**
 * B of a comparison: A with some of its options replaced. Without any it is A again, which shows what the comparison makes
 * of nothing.
 *
 * @param text of `--vs`, for example `-t 1 --precision f32`
 * @throws QwenAsrError `usage`
 */
export function planVs(base: ModelCellPlan, text: string): VsPlan {
  const values = readVs(text);
  const label = text.trim() === '' ? 'the same again' : text.trim();
  const flags = CELL_FLAGS.filter((flag) => values[flag] !== undefined);
  const cell = flags.reduce((so, flag) => changeCell(so, SETTINGS[flag].cell, values[flag]), base);
  checkSegments(values, [cell], '--vs: ');
  const model = chosenModel(cell.model) ?? cell.model;
  return { cell: { ...cell, model, id: label, label }, flags };
}

function readVs(text: string) {
  try {
    return parseOptions(OPTIONS, shellWords(text, '--vs')).values;
  } catch (error) {
    if (!(error instanceof QwenAsrError) || error.message.startsWith('--vs')) throw error;
    const names = Object.keys(OPTIONS).map((name) => `--${name}`);
    const hint = error.message.startsWith('unknown option') ? ` (--vs takes ${names.join(', ')})` : '';
    const message = error.message.replace(/; -h lists.*/, '');
    throw new QwenAsrError('usage', `--vs: ${message}${hint}`, { cause: error });
  }
}
