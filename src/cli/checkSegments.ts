import type { CellPlan } from '../bench/plan/benchPlan.js';
import { isCut } from '../bench/settings.js';
import { QwenAsrError } from '../error.js';

/** Options on how audio is cut, as they were given. */
export interface SegmentValues {
  readonly segment?: readonly number[] | number;
  readonly batch?: readonly number[] | number;
  readonly 'skip-silence'?: true;
  readonly vad?: true;
}

/**
 * Refuses options on cutting that could have no effect: on what the cells do, or without one another.
 *
 * @param place what the message begins with: `--vs: ` for options of the other side
 * @throws QwenAsrError `usage`
 */
export function checkSegments(values: SegmentValues, cells: readonly CellPlan[], place = ''): void {
  const models = cells.filter((cell) => cell.kind === 'model');
  const cut = models.some(isCut);
  if (values.batch !== undefined && !cut) {
    throw refusal(place, '--batch', 'segments to decode side by side (--segment)', 'audio that is not cut');
  }
  const asked = [
    ...(cut && values.segment !== undefined ? ['--segment'] : []),
    ...(values['skip-silence'] ? ['--skip-silence'] : []),
    ...(values.vad ? ['--vad'] : []),
  ];
  const [option] = asked;
  if (option !== undefined && models.some(({ mode }) => mode === 'encoder')) {
    throw refusal(place, option, 'the full pipeline (-w 0)', 'the encoder alone (-w 1)');
  }
  const leavesOut = values['skip-silence'] ? '--skip-silence' : values.vad ? '--vad' : null;
  if (leavesOut !== null && models.some(({ audio }) => audio.kind === 'silence')) {
    throw refusal(place, leavesOut, 'recordings (-i)', 'nothing but silence');
  }
}

function refusal(place: string, option: string, expected: string, found: string): QwenAsrError {
  return new QwenAsrError('usage', `${place}${option}: expected ${expected}, found ${found}`);
}
