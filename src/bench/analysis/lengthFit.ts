import type { BenchResult } from '../schema/benchResult.js';
import { fitOverhead, type OverheadFit } from '../statistics/overheadFit.js';
import { groupCells } from './groupCells.js';

/** What a setting costs for every call, every second of audio and every token. */
export interface LengthFit {
  /** The axes that vary beside the length of the audio: `t=2`; empty when there are none. */
  readonly label: string;
  readonly fit: OverheadFit;
}

/** Fewer runs determine no fit. */
const FEWEST_RUNS = 4;

/** time = fixed + a·seconds + b·tokens for each setting that was run on at least two lengths of audio. */
export function lengthFits({ cells, audio }: Pick<BenchResult, 'cells' | 'audio'>): LengthFit[] {
  return groupCells(cells, 'audio').flatMap(({ label, cells: members }) => {
    const runs = members.flatMap(({ settings, runs }) => {
      const durationMs = audio.find((clip) => clip.id === settings.audio)?.durationMs;
      if (durationMs === undefined) return [];
      return runs.map(({ totalMs, tokens }) => ({
        totalMs,
        audioSeconds: durationMs / 1000,
        tokens: tokens ?? 0,
      }));
    });
    const lengths = new Set(runs.map(({ audioSeconds }) => audioSeconds));
    if (lengths.size < 2 || runs.length < FEWEST_RUNS) return [];
    return [{ label, fit: fitOverhead(runs) }];
  });
}
