import { alignTokens } from './alignTokens.js';
import { chooseMetric } from './chooseMetric.js';
import { normalizeMultilingual } from './normalizeMultilingual.js';
import { rateInterval } from './rateInterval.js';
import { countErrors, type ScoreOptions, type TranscriptScore, wordPattern } from './scoreTranscript.js';

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
