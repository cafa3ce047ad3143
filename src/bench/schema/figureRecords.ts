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
  number,
  object,
  optional,
  orNull,
  record,
  type Shape,
  text,
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
