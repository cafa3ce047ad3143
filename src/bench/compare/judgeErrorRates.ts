import { QwenAsrError } from '../../error.js';
import { joinScores } from '../accuracy/scoreCorpus.js';
import type { TranscriptScore } from '../accuracy/scoreTranscript.js';
import { recordingSets } from '../analysis/recordingSets.js';
import { significant } from '../output/figures.js';
import { setTitles } from '../output/sweepAxes.js';
import type { FailCondition, Judgement } from './failCondition.js';
import type { CellPair, NamedResult } from './pairCells.js';

/** Cells of both sides, and what to call them. */
interface RatedPair {
  /** Nothing when there is only one. */
  readonly title: string;
  readonly pair: CellPair;
}

/**
 * Holds error rates to a condition in percentage points. Several recordings of one setting are judged together, all
 * errors ÷ all words: in a single short one every word is many points.
 *
 * @param condition about `wer` or `cer`
 * @param b whose settings tell which recordings belong together
 * @throws QwenAsrError `compare` when a side has no error rates
 */
export function judgeErrorRates(
  condition: FailCondition,
  pairs: readonly RatedPair[],
  { result }: NamedResult,
): Judgement[] {
  const sets = recordingSets({ audio: result.audio, cells: pairs.map(({ pair }) => pair.b) });
  const inSets = new Set(sets.flatMap(({ cells }) => cells));
  const titleOf = setTitles(result, sets);
  const alone = pairs.filter(({ pair }) => !inSets.has(pair.b.id));
  return [
    ...alone.map(({ title, pair }) => judgeTogether(condition, title, [pair])),
    ...sets.map((set) => {
      const members = pairs.map(({ pair }) => pair).filter(({ b }) => set.cells.includes(b.id));
      const title = [titleOf(set), `all ${members.length} recordings`].filter((part) => part !== '');
      return judgeTogether(condition, title.join(', '), members);
    }),
  ];
}

function judgeTogether(condition: FailCondition, title: string, pairs: readonly CellPair[]): Judgement {
  const { text, metric, direction, threshold } = condition;
  const prefix = title === '' ? '' : `${title}: `;
  const name = metric === 'wer' ? 'wer' : 'cer';
  const rateOf = (side: 'a' | 'b'): number => {
    const scores = pairs.map((pair) => pair[side].accuracy);
    if (!scores.every((score) => score !== null)) {
      throw new QwenAsrError(
        'compare',
        `${prefix}--fail-if ${text}: expected ${name.toUpperCase()} on both sides, found none; measure with --ref`,
      );
    }
    return joinScores(customary(scores, name))[name];
  };
  const rulesOf = (side: 'a' | 'b'): string =>
    [...new Set(pairs.flatMap((pair) => pair[side].accuracy?.rules ?? []))].sort().join(', ');
  const [rulesA, rulesB] = [rulesOf('a'), rulesOf('b')];
  // Older files do not name them.
  if (rulesA !== '' && rulesB !== '' && rulesA !== rulesB) {
    throw new QwenAsrError(
      'compare',
      `${prefix}--fail-if ${text}: expected error rates by the same rules, found ${rulesA} and ${rulesB}`,
    );
  }
  const [before, now] = [rateOf('a'), rateOf('b')];
  // Percentages of counted words: what is stored is exact, so no rounding error may decide.
  const change = Number((now - before).toFixed(12));
  const failed = direction === '>' ? change > threshold : change < threshold;
  const rates = `${significant(100 * before)} % to ${significant(100 * now)} %`;
  return { failed, reason: `${prefix}${text}: ${rates}` };
}

/** Those that are customarily counted in this metric; all where none is. */
function customary(scores: readonly TranscriptScore[], metric: 'wer' | 'cer'): readonly TranscriptScore[] {
  const own = scores.filter((score) => score.metric === metric);
  return own.length === 0 ? scores : own;
}
