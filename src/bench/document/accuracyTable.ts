import type { CorpusScore } from '../accuracy/scoreCorpus.js';
import type { TranscriptScore } from '../accuracy/scoreTranscript.js';
import { recordingSets } from '../analysis/recordingSets.js';
import type { BenchResult } from '../schema/benchResult.js';
import type { AccuracyRecord } from '../schema/figureRecords.js';
import type { FigureTable } from './block.js';
import { cellTitles, setTitles } from './sweepAxes.js';

/**
 * The error rates of every cell that has a reference text, and below them those of all recordings of a setting
 * together: a row for those that are counted in words, and one for those that are counted in characters. Null without
 * any.
 */
export function accuracyTable(result: BenchResult): FigureTable | null {
  const titleOf = cellTitles(result);
  const cells = result.cells.flatMap((cell) =>
    cell.accuracy === null ? [] : [rateRow(titleOf(cell), cell.accuracy)],
  );
  const rows = [...cells, ...togetherRows(result)];
  if (rows.length === 0) return null;
  return { header: ['accuracy', 'WER', 'CER', '95 % interval', 'S', 'I', 'D', 'of'], rows };
}

function togetherRows(result: BenchResult): string[][] {
  const sets = recordingSets(result).filter(({ accuracy }) => accuracy.length > 0);
  const titleOf = setTitles(result, sets);
  if (sets.length > 0) {
    return sets.flatMap((set) =>
      set.accuracy.map((score) => rateRow(togetherTitle(score, titleOf(set)), score)),
    );
  }
  return result.accuracy === null ? [] : [rateRow(togetherTitle(result.accuracy, ''), result.accuracy)];
}

function togetherTitle({ utterances }: CorpusScore, setting: string): string {
  const count = `${utterances.length} ${utterances.length === 1 ? 'recording' : 'recordings'}`;
  return setting === '' ? `all ${count}` : `${setting}: all ${count}`;
}

type Rates = Omit<CorpusScore, 'utterances'> | TranscriptScore;

function rateRow(title: string, score: Rates): string[] {
  const { metric, wer, cer, ci, substitutions, insertions, deletions } = score;
  const interval =
    ci === null ? '–' : `${metric.toUpperCase()} ${formatErrorRate(ci.low)} … ${formatErrorRate(ci.high)}`;
  const tokens =
    metric === 'cer' ? `${score.referenceCharacters} characters` : `${score.referenceWords} words`;
  const counts = [substitutions, insertions, deletions].map(String);
  return [title, formatErrorRate(wer), formatErrorRate(cer), interval, ...counts, tokens];
}

/** An error rate in percent, with one decimal. */
export function formatErrorRate(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}

/** The error rates of a single cell in a line, with the text they are of. */
export function accuracySentence(accuracy: AccuracyRecord): string {
  const { metric, wer, cer, substitutions, insertions, deletions, ci, reference, rules } = accuracy;
  const interval =
    ci === null
      ? ''
      : `  ${metric.toUpperCase()} 95 % ${formatErrorRate(ci.low)} … ${formatErrorRate(ci.high)}`;
  const errors = `S ${substitutions}, I ${insertions}, D ${deletions}`;
  // What older files do not name was normalised by the first versions of the rules.
  const by = rules === undefined ? '' : `; rules ${rules}`;
  return `WER ${formatErrorRate(wer)}  CER ${formatErrorRate(cer)}${interval}  (${errors}; ${reference}${by})`;
}
