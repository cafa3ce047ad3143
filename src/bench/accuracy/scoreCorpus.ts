import type { Metric } from './chooseMetric.js';
import { type RateInterval, rateInterval } from './rateInterval.js';
import {
  type ErrorCounts,
  type ScoreOptions,
  scoreTranscript,
  type TranscriptScore,
} from './scoreTranscript.js';

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
 * Scores a corpus of one language.
 *
 * @param utterances reference and hypothesis of each recording; all of the language in `options`
 * @example
 * scoreCorpus([{ reference: 'good morning', hypothesis: 'good mourning' }], { language: 'en' }).wer; // 0.5
 */
export function scoreCorpus(utterances: readonly Utterance[], options: ScoreOptions = {}): CorpusScore {
  return joinScores(
    utterances.map(({ reference, hypothesis }) => scoreTranscript(reference, hypothesis, options)),
    options,
  );
}

/**
 * The scores of several recordings as one: all errors ÷ all tokens. Each was normalised by the rules of its own
 * language; what they must have in common is the metric, because words and characters do not add up. The interval is
 * bootstrapped over the recordings (Bisani and Ney 2004), because errors within a recording have causes in common:
 * its speaker, its noise.
 *
 * @param scores all of one metric
 */
export function joinScores(
  scores: readonly TranscriptScore[],
  options: Omit<ScoreOptions, 'language'> = {},
): CorpusScore {
  const total = (of: (score: TranscriptScore) => number): number =>
    scores.reduce((sum, score) => sum + of(score), 0);
  const referenceWords = total((score) => score.referenceWords);
  const referenceCharacters = total((score) => score.referenceCharacters);
  const wordErrors = total((score) => score.wordErrors);
  const characterErrors = total((score) => score.characterErrors);
  return {
    metric: scores[0]?.metric ?? 'wer',
    wer: wordErrors / Math.max(1, referenceWords),
    cer: characterErrors / Math.max(1, referenceCharacters),
    wordErrors,
    characterErrors,
    substitutions: total((score) => score.substitutions),
    insertions: total((score) => score.insertions),
    deletions: total((score) => score.deletions),
    matches: total((score) => score.matches),
    referenceWords,
    referenceCharacters,
    ci: corpusInterval(scores, options),
    utterances: scores.map(utteranceOf),
  };
}

/** A score without its interval, and without what a cell's record adds to it. */
function utteranceOf(score: TranscriptScore): CorpusScore['utterances'][number] {
  const { metric, wer, cer, wordErrors, characterErrors, substitutions, insertions, deletions } = score;
  const { matches, referenceWords, referenceCharacters, normalizedReference, normalizedHypothesis } = score;
  return {
    ...{ metric, wer, cer, wordErrors, characterErrors, substitutions, insertions, deletions },
    ...{ matches, referenceWords, referenceCharacters, normalizedReference, normalizedHypothesis },
  };
}

function corpusInterval(
  scores: readonly TranscriptScore[],
  options: Omit<ScoreOptions, 'language'>,
): RateInterval | null {
  const [first, ...others] = scores;
  if (first === undefined || others.length === 0) return first?.ci ?? null;
  const errors = scores.map((score) => score.substitutions + score.insertions + score.deletions);
  const lengths = scores.map((score) =>
    score.metric === 'cer' ? score.referenceCharacters : score.referenceWords,
  );
  return rateInterval(errors, lengths, 'utterances', options);
}
