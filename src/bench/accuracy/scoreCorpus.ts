import type { Metric } from './chooseMetric.js';
import { type RateInterval, rateInterval } from './rateInterval.js';
import { countErrors, type ErrorCounts, type ScoreOptions } from './scoreTranscript.js';

/** One recording of a corpus. */
export interface Utterance {
  readonly reference: string;
  readonly hypothesis: string;
}

/** The error rates of a whole corpus: all errors ÷ all tokens, not the mean of the recordings' rates. */
export interface CorpusScore {
  readonly metric: Metric;
  readonly wer: number;
  readonly cer: number;
  readonly wordErrors: number;
  readonly characterErrors: number;
  /** Counted in words, in characters for `cer`. */
  readonly substitutions: number;
  readonly insertions: number;
  readonly deletions: number;
  readonly matches: number;
  readonly referenceWords: number;
  readonly referenceCharacters: number;
  /** Of the rate that `metric` names; over recordings, or over the tokens of a single one. */
  readonly ci: RateInterval | null;
  /** In the order given. */
  readonly utterances: readonly Omit<ErrorCounts, 'errors'>[];
}

/**
 * Scores a corpus of one language. The interval is bootstrapped over its recordings (Bisani and Ney 2004), because
 * errors within a recording have causes in common: its speaker, its noise.
 *
 * @param utterances reference and hypothesis of each recording; all of the language in `options`
 * @example
 * scoreCorpus([{ reference: 'good morning', hypothesis: 'good mourning' }], { language: 'en' }).wer; // 0.5
 */
export function scoreCorpus(utterances: readonly Utterance[], options: ScoreOptions = {}): CorpusScore {
  const counts = utterances.map(({ reference, hypothesis }) =>
    countErrors(reference, hypothesis, options.language),
  );
  const total = (of: (count: ErrorCounts) => number): number =>
    counts.reduce((sum, count) => sum + of(count), 0);
  const referenceWords = total((count) => count.referenceWords);
  const referenceCharacters = total((count) => count.referenceCharacters);
  const wordErrors = total((count) => count.wordErrors);
  const characterErrors = total((count) => count.characterErrors);
  return {
    metric: counts[0]?.metric ?? 'wer',
    wer: wordErrors / Math.max(1, referenceWords),
    cer: characterErrors / Math.max(1, referenceCharacters),
    wordErrors,
    characterErrors,
    substitutions: total((count) => count.substitutions),
    insertions: total((count) => count.insertions),
    deletions: total((count) => count.deletions),
    matches: total((count) => count.matches),
    referenceWords,
    referenceCharacters,
    ci: corpusInterval(counts, options),
    utterances: counts.map(({ errors, ...rest }) => rest),
  };
}

function corpusInterval(counts: readonly ErrorCounts[], options: ScoreOptions): RateInterval | null {
  const [first] = counts;
  if (first === undefined) return null;
  if (counts.length === 1) {
    const unit = first.metric === 'cer' ? 'characters' : 'words';
    return rateInterval(
      first.errors,
      first.errors.map(() => 1),
      unit,
      options,
    );
  }
  const errors = counts.map((count) => count.substitutions + count.insertions + count.deletions);
  const lengths = counts.map((count) =>
    count.metric === 'cer' ? count.referenceCharacters : count.referenceWords,
  );
  return rateInterval(errors, lengths, 'utterances', options);
}
