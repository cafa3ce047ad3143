import type { CorpusScore } from '../accuracy/scoreCorpus.js';
import type { TranscriptScore } from '../accuracy/scoreTranscript.js';
import type { Drift } from '../statistics/driftTest.js';
import type { Summary } from '../statistics/summarize.js';
import {
  amount,
  count,
  enumOf,
  flag,
  list,
  named,
  number,
  object,
  optional,
  orNull,
  record,
  type Shape,
  text,
  type ValueOf,
  variants,
} from './shape.js';

/*
 * Figures that are computed from runs and texts. Their types belong to what computes them (statistics/, accuracy/);
 * the compiler holds these descriptions to them.
 */

const intervalRecord = record('interval', undefined, {
  low: number(),
  high: number(),
  confidence: number(),
  lowRank: optional(count('1-based, among the sorted values')),
  highRank: optional(count()),
  coverage: optional(number()),
});

const percentileRecord = variants(
  'percentile',
  undefined,
  'supported',
  { percent: number() },
  [true, { value: number(), interval: orNull(intervalRecord) }],
  [false, { runsNeeded: count(), explanation: text() }],
);

export const summaryRecord: Shape<Summary> = record('summary', undefined, {
  runs: count(),
  min: number(),
  max: number(),
  mean: number(),
  meanInterval: orNull(intervalRecord),
  median: number(),
  medianInterval: orNull(intervalRecord),
  mad: number('median absolute deviation, not scaled'),
  standardDeviation: orNull(number()),
  percentiles: list(percentileRecord),
  outliers: list(
    object({ index: count('0-based, in runs'), value: number(), side: enumOf(['low', 'high']), far: flag() }),
  ),
  notes: list(text(), 'what there were too few runs for'),
});

export const driftRecord: Shape<Drift> = record(
  'drift',
  'Whether the runs got slower or faster as they went on.',
  {
    tau: number("Kendall's τ between run number and time"),
    pValue: number(),
    method: enumOf(['exact', 'normal']),
    slopePerRun: number(),
    totalPercent: number('the slope over all runs, in percent of their median'),
    drifting: flag(),
  },
);

export const loadRecord = record('load', 'What a server did under one level of load.', {
  requests: count('sent in the measured part'),
  answered: count('of these, with a text'),
  failures: named(count(), 'of these, by kind'),
  windowMs: amount('length of the measured part as it was'),
  audioRate: orNull(amount('seconds of audio answered in a second of it')),
  offeredAudioRate: orNull(amount('seconds of audio sent in a second of it')),
  latestMs: amount('the longest that a request was sent after its time: what the tool itself was late'),
  textChanges: count('answers whose text is not the one that the recording had first'),
});
/** What a server did under one level of load. */
export interface LoadRecord extends ValueOf<typeof loadRecord> {}

const rateIntervalRecord = record('rateInterval', undefined, {
  low: number(),
  high: number(),
  confidence: number(),
  unit: enumOf(['words', 'characters', 'utterances']),
  method: enumOf(['bca', 'exact']),
});

const rates = {
  metric: enumOf(['wer', 'cer'], 'the customary rate of the language'),
  rules: optional(text('rule sets by which both texts were normalised; absent in older files')),
  wer: amount(),
  cer: amount(),
  wordErrors: count(),
  characterErrors: count(),
  substitutions: count('counted in words, in characters for `cer`'),
  insertions: count(),
  deletions: count(),
  matches: count(),
  referenceWords: count(),
  referenceCharacters: count(),
};
const { rules: _rules, ...corpusRates } = rates;
const texts = { normalizedReference: text(), normalizedHypothesis: text() };
const ci = orNull(rateIntervalRecord);

/** How well the transcript of the cell's first run matches the reference. */
export interface AccuracyRecord extends TranscriptScore {
  readonly reference: string;
  readonly language: string | null;
}

export const accuracyRecord: Shape<AccuracyRecord> = record('accuracy', undefined, {
  reference: text('path of the reference text'),
  language: orNull(text()),
  ...rates,
  ci,
  ...texts,
});

export const corpusAccuracyRecord: Shape<CorpusScore> = record('corpusAccuracy', undefined, {
  ...corpusRates,
  ci,
  utterances: list(object({ ...rates, ...texts })),
});

const probability = number(undefined, { minimum: 0, maximum: 1 });
const method = enumOf(['exact', 'normal']);

const outcome = {
  ratio: number('cost of B / cost of A: above 1 B is worse', { exclusiveMinimum: 0 }),
  low: orNull(amount('ends of the interval of the ratio; null: too few runs')),
  high: orNull(amount()),
  confidence: number(),
  pValue: probability,
  verdict: enumOf(['faster', 'slower', 'same', 'undecided']),
  runsNeeded: orNull(count('runs that would decide; null when no number would')),
  marginPercent: number('the largest difference that does not matter'),
};

const slowRunsRecord = record('slowRuns', undefined, { a: list(count()), b: list(count()) });

/** As `comparePaired` gives it; of older files without the later figures. */
const pairedOutcomeRecord = record('pairedOutcome', 'From runs that were measured in pairs.', {
  ...outcome,
  pairs: count(),
  method: optional(method),
  meanRatio: optional(number("all of B's time / all of A's", { exclusiveMinimum: 0 })),
  meanDisagrees: optional(flag('meanRatio is further from ratio than the margin')),
  outlyingPairs: optional(list(count(), '0-based; they count like all others')),
  setAside: slowRunsRecord,
  rankTest: object(
    {
      ratio: number(),
      low: orNull(number()),
      high: orNull(number()),
      pValue: number(),
      method,
    },
    'ratio, interval and p-value once more, for readers of files in which slow runs were set aside',
  ),
});

/** As `compareIndependent` gives it; of older files without sessions. */
const independentOutcomeRecord = record(
  'independentOutcome',
  'From sessions that were not measured together.',
  {
    ...outcome,
    runsA: count(),
    runsB: count(),
    method,
    sessionsA: optional(count(undefined, { minimum: 1 })),
    sessionsB: optional(count(undefined, { minimum: 1 })),
    sessionsNeeded: optional(orNull(count('where sessions and not runs would decide'))),
    sessionPercent: optional(
      amount('standard deviation from session to session that the interval counts with'),
    ),
    sessionsMeasured: optional(flag('whether the sessions told it, or it was allowed for')),
    standardError: optional(orNull(amount('of ln ratio'))),
    degreesOfFreedom: optional(orNull(count("of Student's distribution; null: normal", { minimum: 1 }))),
  },
);

export const comparisonRecord = variants(
  'comparison',
  'B against A by one metric.',
  'design',
  {
    a: text('id of a cell'),
    b: text('id of a cell'),
    labelA: text('how the side is called, for example `-t 2`'),
    labelB: text(),
    metric: text('a key of summary'),
    sameTokens: orNull(flag('all rounds decoded the same tokens; null when one side tells none')),
  },
  [
    'paired',
    {
      orders: list(enumOf(['ab', 'ba']), 'which side ran first, by round'),
      outcome: orNull(pairedOutcomeRecord, 'null with fewer than two rounds'),
    },
  ],
  [
    'independent',
    {
      correctedPValue: optional(
        number('pValue after Holm’s correction over the cells of the comparison; the verdict heeds it', {
          minimum: 0,
          maximum: 1,
        }),
      ),
      outcome: orNull(independentOutcomeRecord),
    },
  ],
);

/** B against A by one metric. */
export type ComparisonRecord = ValueOf<typeof comparisonRecord>;
export type PairedRecord = Extract<ComparisonRecord, { readonly design: 'paired' }>;
export type IndependentRecord = Extract<ComparisonRecord, { readonly design: 'independent' }>;
/** What came of a comparison. */
export type ComparisonOutcome = NonNullable<ComparisonRecord['outcome']>;
