import { type Alignment, alignTokens, editDistance } from './alignTokens.js';
import { normalizeEnglish } from './normalizeEnglish.js';
import { normalizeMultilingual } from './plainText.js';
import { type BootstrapOptions, type RateInterval, rateInterval } from './rateInterval.js';

/**
 * The rules by which texts are normalised before they are compared. A change of what they make of any text gets a new
 * number: rates by different rules are different quantities.
 */
const RULE_SETS = { 'english-1': normalizeEnglish, 'multilingual-1': normalizeMultilingual } as const;

type RuleSet = keyof typeof RULE_SETS;

/** How transcripts are scored. */
export interface ScoreOptions extends BootstrapOptions {
  /** ISO 639 code or English name; decides the normaliser and the metric. Unknown: multilingual, words. */
  readonly language?: string;
}

/** The error rates of a transcript and what they are made of. */
export interface TranscriptScore {
  /** Which of the two rates is customary for the language; the counts and the interval are of its tokens. */
  readonly metric: ErrorRateName;
  /** The rule sets by which both texts were normalised, with commas between; absent in older files. */
  readonly rules?: string;
  /** Errors ÷ reference words; above 1 when there are more errors than words. */
  readonly wer: number;
  /** Errors ÷ reference characters. */
  readonly cer: number;
  /** The fewest edits that turn one text into the other, in words. */
  readonly wordErrors: number;
  /** The same in characters. */
  readonly characterErrors: number;
  /** Counted in words, in characters for `cer`. */
  readonly substitutions: number;
  readonly insertions: number;
  readonly deletions: number;
  readonly matches: number;
  /** In languages without spaces every character of their script counts as a word. */
  readonly referenceWords: number;
  readonly referenceCharacters: number;
  /** Of the rate that `metric` names, resampled over its tokens; null for fewer than two of them. */
  readonly ci: RateInterval | null;
  /** What was compared. */
  readonly normalizedReference: string;
  readonly normalizedHypothesis: string;
}

/**
 * Scores a transcript against a reference text: both are normalised by the language's rules, aligned with the fewest
 * errors, and the errors counted. An empty reference counts as one token, so that the rates stay finite.
 *
 * @param reference what was said
 * @param hypothesis what was recognised
 * @example
 * const score = scoreTranscript('The colour is gray.', 'the color was grey', { language: 'en' });
 * score.wer; // 0.25: one substitution in four words
 */
export function scoreTranscript(
  reference: string,
  hypothesis: string,
  options: ScoreOptions = {},
): TranscriptScore {
  const { errors, ...score } = countErrors(reference, hypothesis, options.language);
  const unit = score.metric === 'cer' ? 'characters' : 'words';
  const lengths = errors.map(() => 1);
  return { ...score, ci: rateInterval(errors, lengths, unit, options) };
}

/** A score without its interval, and the errors at each reference token for whoever resamples them. */
export interface ErrorCounts extends Omit<TranscriptScore, 'ci'> {
  /** [reference tokens] */
  readonly errors: readonly number[];
}

/**
 * The part of {@link scoreTranscript} before the bootstrap.
 *
 * @param metric whose tokens are counted; default: the one that is customary for the language
 */
export function countErrors(
  reference: string,
  hypothesis: string,
  language: string | undefined,
  metric: ErrorRateName = chooseMetric(language),
): ErrorCounts {
  const spelling = chooseMetric(language);
  const rules = ruleSetOf(language);
  const normalize = RULE_SETS[rules];
  const normalizedReference = normalize(reference);
  const normalizedHypothesis = normalize(hypothesis);
  const referenceWords = splitWords(normalizedReference, spelling);
  const hypothesisWords = splitWords(normalizedHypothesis, spelling);
  const referenceCharacters = splitCharacters(normalizedReference, spelling);
  const hypothesisCharacters = splitCharacters(normalizedHypothesis, spelling);
  const alignment =
    metric === 'cer'
      ? alignTokens(referenceCharacters, hypothesisCharacters)
      : alignTokens(referenceWords, hypothesisWords);
  const wordErrors = editDistance(referenceWords, hypothesisWords);
  const characterErrors = editDistance(referenceCharacters, hypothesisCharacters);
  return {
    metric,
    rules,
    wer: wordErrors / Math.max(1, referenceWords.length),
    cer: characterErrors / Math.max(1, referenceCharacters.length),
    wordErrors,
    characterErrors,
    substitutions: alignment.substitutions,
    insertions: alignment.insertions,
    deletions: alignment.deletions,
    matches: alignment.matches,
    referenceWords: referenceWords.length,
    referenceCharacters: referenceCharacters.length,
    normalizedReference,
    normalizedHypothesis,
    errors: errorsByToken(
      alignment,
      metric === 'cer' ? referenceCharacters : referenceWords,
      metric === 'cer' ? hypothesisCharacters : hypothesisWords,
    ),
  };
}

/** A character of a script without spaces with its marks, or a run of anything else. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Myanmar}\\p{Script=Khmer}';
const UNSPACED_WORD = new RegExp(`[${UNSPACED}]\\p{M}*|[^\\s${UNSPACED}]+`, 'gu');

/** What counts as a word where some scripts have no spaces. */
export function wordPattern(): RegExp {
  return UNSPACED_WORD;
}

function splitWords(text: string, metric: ErrorRateName): string[] {
  if (metric === 'cer') return text.match(UNSPACED_WORD) ?? [];
  return text === '' ? [] : text.split(' ');
}

/** Code points; spaces count only where they are part of the spelling. */
function splitCharacters(text: string, metric: ErrorRateName): string[] {
  return Array.from(metric === 'cer' ? text.replaceAll(' ', '') : text);
}

/** Each error at the reference token it concerns; insertions at the token before them, or the first. */
function errorsByToken(
  alignment: Alignment,
  reference: readonly string[],
  hypothesis: readonly string[],
): number[] {
  const errors = new Array<number>(reference.length).fill(0);
  let heard = 0; // hypothesis tokens accounted for
  reference.forEach((token, index) => {
    const partner = alignment.partner[index]!;
    if (partner === -1 || hypothesis[partner] !== token) errors[index]! += 1;
    if (partner === -1) return;
    errors[Math.max(0, index - 1)]! += partner - heard;
    heard = partner + 1;
  });
  if (reference.length > 0) errors[reference.length - 1]! += hypothesis.length - heard;
  return errors;
}

/** The rules for a language, by ISO 639 code or English name; unknown: multilingual. */
function ruleSetOf(language: string | undefined): RuleSet {
  return isEnglish(language) ? 'english-1' : 'multilingual-1';
}

/** Word or character error rate. */
export type ErrorRateName = 'wer' | 'cer';

/**
 * Languages written without spaces between words, by ISO 639 code and English name. These are the ones for which
 * Whisper's authors report character error rates (Radford et al. 2022), with Cantonese and Khmer.
 */
const WITHOUT_SPACES: ReadonlySet<string> = new Set([
  ...['zh', 'zho', 'cmn', 'chinese', 'mandarin', 'yue', 'cantonese'],
  ...[
    'ja',
    'jpn',
    'japanese',
    'th',
    'tha',
    'thai',
    'lo',
    'lao',
    'my',
    'mya',
    'burmese',
    'km',
    'khm',
    'khmer',
  ],
]);

const ENGLISH: ReadonlySet<string> = new Set(['en', 'eng', 'english']);

/**
 * The error rate that is customary for a language: characters where words are not separated, words elsewhere (and
 * for languages it does not know). Korean is written with spaces and counts words.
 *
 * @param language ISO 639 code, with or without region ("zh", "zh-CN"), or English name ("Chinese")
 * @example
 * chooseMetric('Japanese'); // 'cer'
 */
export function chooseMetric(language: string | undefined): ErrorRateName {
  return WITHOUT_SPACES.has(primaryName(language)) ? 'cer' : 'wer';
}

/** Whether the English normaliser applies. */
export function isEnglish(language: string | undefined): boolean {
  return ENGLISH.has(primaryName(language));
}

function primaryName(language: string | undefined): string {
  return (language ?? '').trim().toLowerCase().split(/[-_]/)[0]!;
}
