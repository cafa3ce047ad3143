import { QwenAsrError } from '../error.js';
import { loadAligner } from '../transcribe/align/loadAligner.js';
import type { Aligner } from '../transcribe/types.js';
import { chosenAligner } from './chosenModel.js';
import { loadOptionsOf } from './commonOptions.js';
import type { CommandContext } from './runCommand.js';
import type { TranscribeValues } from './transcribeOptions.js';

/**
 * The directory of the aligner, if one is needed.
 *
 * @throws QwenAsrError `file` when there is none; `usage` for an aligner without a use
 */
export function alignerSourceOf({ timestamps, aligner }: TranscribeValues): string | null {
  if (timestamps === 'word') return chosenAligner(aligner);
  if (aligner === undefined) return null;
  throw new QwenAsrError('usage', '--aligner: is for the times of words, expected --timestamps word');
}

/** Loads it, with the arithmetic of the model beside it. */
export async function openAligner(
  source: string | null,
  values: TranscribeValues,
  { signal }: CommandContext,
): Promise<Aligner | null> {
  return source === null ? null : loadAligner(source, { ...loadOptionsOf(values), signal });
}
