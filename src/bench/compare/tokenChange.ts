import type { CellRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import { audioOf, type CellPair, modelOf, type NamedResult } from './pairCells.js';

/** Whether both sides recognised the same. */
export interface TokenChange {
  /** Null when one side tells no tokens. */
  readonly same: boolean | null;
  /**
   * Whether different tokens are a failure. They are not on random weights or under `--tokens`, where a rounding
   * error may send the rest of a meaningless text elsewhere, and not when model, audio, the way it is cut or the
   * language asked for differ.
   */
  readonly matters: boolean;
  /** What differs, in one line; null when nothing does. */
  readonly difference: string | null;
}

/** Compares the token ids of two cells: every run of one with every run of the other. */
export function findTokenChange({ a, b }: CellPair, resultA: NamedResult, resultB: NamedResult): TokenChange {
  const [runsA, runsB] = [byHash(a), byHash(b)];
  if (runsA === null || runsB === null) return { same: null, matters: false, difference: null };
  const [modelA, modelB] = [modelOf(resultA.result, a), modelOf(resultB.result, b)];
  const matters =
    modelA?.synthetic !== true &&
    modelB?.synthetic !== true &&
    a.settings.exactTokens === null &&
    b.settings.exactTokens === null &&
    a.settings.language === b.settings.language &&
    a.settings.segmentSeconds === b.settings.segmentSeconds &&
    (a.settings.skipSilence ?? false) === (b.settings.skipSilence ?? false) &&
    (a.settings.vad ?? false) === (b.settings.vad ?? false) &&
    modelA?.hash === modelB?.hash &&
    audioOf(resultA.result, a)?.hash === audioOf(resultB.result, b)?.hash;
  const odd = [...runsB].find(([hash]) => !runsA.has(hash)) ?? [...runsA].find(([hash]) => !runsB.has(hash));
  if (odd === undefined) return { same: true, matters, difference: null };
  const [runA, runB] = [[...runsA.values()][0], [...runsB.values()][0]];
  const difference =
    runA === undefined || runB === undefined ? 'the tokens differ' : describeDifference(runA, runB);
  return { same: false, matters, difference };
}

/** A run for each token sequence; null when a run does not tell its own, or there is none. */
function byHash({ runs }: CellRecord): Map<string, RunRecord> | null {
  const found = new Map<string, RunRecord>();
  for (const run of runs) {
    if (run.tokenHash === null) return null;
    if (!found.has(run.tokenHash)) found.set(run.tokenHash, run);
  }
  return found.size === 0 ? null : found;
}

function describeDifference(a: RunRecord, b: RunRecord): string {
  const texts = a.text === b.text ? '' : `: ${JSON.stringify(a.text)} / ${JSON.stringify(b.text)}`;
  if (a.tokenHash === b.tokenHash) return 'not every run decoded the same tokens';
  if (a.tokenIds === null || b.tokenIds === null) return `the tokens differ${texts}`;
  const idsB = b.tokenIds;
  const first = a.tokenIds.findIndex((id, index) => id !== idsB[index]);
  const index = first === -1 ? a.tokenIds.length : first;
  return `the tokens differ from token ${index + 1} on (${a.tokenIds.length} / ${idsB.length} tokens)${texts}`;
}
