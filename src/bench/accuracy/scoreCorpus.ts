import { alignTokens } from './alignTokens.js';
import { normalizeMultilingual } from './plainText.js';
import { type RateInterval, rateInterval } from './rateInterval.js';
import {
  chooseMetric,
  countErrors,
  type ErrorCounts,
  type ErrorRateName,
  type ScoreOptions,
  scoreTranscript,
  type TranscriptScore,
  wordPattern,
} from './scoreTranscript.js';

/** One recording of a corpus. */
export interface Utterance {
  readonly reference: string;
  readonly hypothesis: string;
}

/** The error rates of a whole corpus: all errors ÷ all tokens, not the mean of the recordings' rates. */
export interface CorpusScore {
  readonly metric: ErrorRateName;
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

/** A part of a transcript in a language of its own. */
export interface SpokenPart {
  readonly text: string;
  /** ISO 639 code or English name; null when it is not known. */
  readonly language: string | null;
}

/**
 * Scores a transcript whose parts are of several languages, each by the rules of its own. The reference is divided where
 * an alignment of the two texts says that the parts meet. Where some parts count words and others characters, the rate
 * is that of both together (the mixed error rate of code-switching): words where they are separated, characters where
 * they are not.
 *
 * @example
 * scoreParts('good morning 你好', [
 *   { text: 'Good morning.', language: 'English' },
 *   { text: '你号', language: 'Chinese' },
 * ]).wer; // 0.25: one of two words and two characters
 */
export function scoreParts(
  reference: string,
  parts: readonly SpokenPart[],
  options: Omit<ScoreOptions, 'language'> = {},
): TranscriptScore {
  const metrics = new Set(parts.map(({ language }) => chooseMetric(language ?? undefined)));
  const metric = metrics.size === 1 ? [...metrics][0]! : 'wer';
  const texts = divideReference(reference, parts);
  const counts = parts.map(({ text, language }, part) =>
    countErrors(texts[part] ?? '', text, language ?? undefined, metric),
  );
  const total = (of: (count: (typeof counts)[number]) => number): number =>
    counts.reduce((sum, count) => sum + of(count), 0);
  const joined = (of: (count: (typeof counts)[number]) => string): string =>
    counts
      .map(of)
      .filter((text) => text !== '')
      .join(' ');
  const errors = counts.flatMap((count) => count.errors);
  const referenceWords = total((count) => count.referenceWords);
  const referenceCharacters = total((count) => count.referenceCharacters);
  const wordErrors = total((count) => count.wordErrors);
  const characterErrors = total((count) => count.characterErrors);
  return {
    metric,
    rules: [...new Set(counts.map(({ rules }) => rules))].sort().join(', '),
    wer: wordErrors / Math.max(1, referenceWords),
    cer: characterErrors / Math.max(1, referenceCharacters),
    ...{ wordErrors, characterErrors, referenceWords, referenceCharacters },
    substitutions: total((count) => count.substitutions),
    insertions: total((count) => count.insertions),
    deletions: total((count) => count.deletions),
    matches: total((count) => count.matches),
    ci: rateInterval(
      errors,
      errors.map(() => 1),
      metric === 'cer' ? 'characters' : 'words',
      options,
    ),
    normalizedReference: joined((count) => count.normalizedReference),
    normalizedHypothesis: joined((count) => count.normalizedHypothesis),
  };
}

/** The piece of the reference that belongs to each part; what nobody heard goes with what is before it. */
function divideReference(reference: string, parts: readonly SpokenPart[]): string[] {
  const tokens = tokensOf(reference);
  const heard = parts.flatMap(({ text }, part) => tokensOf(text).map(({ key }) => ({ key, part })));
  const { partner } = alignTokens(
    tokens.map(({ key }) => key),
    heard.map(({ key }) => key),
  );
  const starts = parts.map(() => reference.length);
  let part = 0;
  tokens.forEach(({ start }, index) => {
    const own = partner[index]!;
    if (own !== -1) part = heard[own]!.part;
    starts[part] = Math.min(starts[part]!, index === 0 ? 0 : start);
  });
  // A part without a token begins where the next one does.
  for (let index = starts.length - 2; index >= 0; index--) {
    starts[index] = Math.min(starts[index]!, starts[index + 1]!);
  }
  return starts.map((start, index) => reference.slice(start, starts[index + 1] ?? reference.length));
}

/** Words, or characters of scripts without spaces, and where they begin; the key is what may be compared. */
function tokensOf(text: string): { readonly key: string; readonly start: number }[] {
  return [...text.matchAll(wordPattern())].flatMap(({ 0: token, index: start }) => {
    const key = normalizeMultilingual(token);
    return key === '' ? [] : [{ key, start }];
  });
}
