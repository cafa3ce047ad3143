import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateInterval } from '../../../src/bench/accuracy/rateInterval.js';
import { scoreCorpus } from '../../../src/bench/accuracy/scoreCorpus.js';
import {
  chooseMetric,
  countErrors,
  isEnglish,
  scoreTranscript,
} from '../../../src/bench/accuracy/scoreTranscript.js';
import { createRandom } from '../../../src/bench/statistics/random.js';

const english = { language: 'en' } as const;

test('counts of a sentence with one error of each kind', () => {
  // brown → crown, a second fox, over missing.
  const score = scoreTranscript(
    'the quick brown fox jumps over the dog',
    'the quick crown fox fox jumps the dog',
    english,
  );
  assert.equal(score.metric, 'wer');
  assert.deepEqual([score.substitutions, score.insertions, score.deletions, score.matches], [1, 1, 1, 6]);
  assert.equal(score.referenceWords, 8);
  assert.equal(score.wer, 3 / 8);
  // brown → crown 1, " fox" inserted 4, "over " deleted 5, of 38 characters with their spaces.
  assert.equal(score.referenceCharacters, 38);
  assert.equal(score.characterErrors, 10);
  assert.equal(score.cer, 10 / 38);
});

test('what the normaliser equates is no error', () => {
  const score = scoreTranscript(
    'Mr. Park realised that he owed twenty-five dollars!',
    'mister park realized that he owed $25',
    english,
  );
  assert.equal(score.wer, 0);
  assert.equal(score.normalizedReference, 'mister park realized that he owed $25');
  assert.equal(scoreTranscript('Grüße, Welt!', 'grüße welt', { language: 'de' }).wer, 0);
  assert.equal(scoreTranscript('colour', 'color', { language: 'de' }).wer, 1, 'only English is respelled');
});

test('languages without spaces count characters', () => {
  const score = scoreTranscript('今天天气很好。', '今天 天汽好', { language: 'Chinese' });
  assert.equal(score.metric, 'cer');
  assert.equal(score.referenceCharacters, 6);
  assert.deepEqual([score.substitutions, score.insertions, score.deletions], [1, 0, 1]);
  assert.equal(score.cer, 2 / 6);
  assert.equal(score.ci?.unit, 'characters');
  assert.equal(scoreTranscript('iPhone 很好', 'iphone很好', { language: 'zh' }).cer, 0);
  // The characters of the script are words, a Latin word is one.
  assert.equal(scoreTranscript('我买了iPhone', '我买了phone', { language: 'zh' }).wer, 1 / 4);
});

test('the metric is chosen by code or name', () => {
  for (const language of [
    'zh',
    'zh-CN',
    'yue',
    'ja',
    'Japanese',
    'Cantonese',
    'th',
    'Thai',
    'lo',
    'my',
    'km',
  ]) {
    assert.equal(chooseMetric(language), 'cer', language);
  }
  for (const language of ['en', 'English', 'de', 'Korean', 'ko', 'ar', 'hi', 'vi', 'xx', undefined]) {
    assert.equal(chooseMetric(language), 'wer', language);
  }
  assert.ok(isEnglish('en-GB') && isEnglish('English') && !isEnglish('de') && !isEnglish(undefined));
});

test('empty texts', () => {
  const silence = scoreTranscript('', '', english);
  assert.deepEqual([silence.wer, silence.cer, silence.ci], [0, 0, null]);
  const imagined = scoreTranscript('[music]', 'thank you', english);
  assert.deepEqual([imagined.wer, imagined.insertions, imagined.referenceWords], [2, 2, 0]);
  const missed = scoreTranscript('thank you', '', english);
  assert.deepEqual([missed.wer, missed.deletions], [1, 2]);
});

test('every error belongs to one reference word', () => {
  const random = createRandom(83);
  for (let round = 0; round < 300; round++) {
    const sentence = (length: number): string =>
      Array.from({ length }, () => 'abcde'[random.integer(5)]!).join(' ');
    const counts = countErrors(sentence(1 + random.integer(12)), sentence(random.integer(14)), 'de');
    assert.equal(counts.errors.length, counts.referenceWords);
    const sum = counts.errors.reduce((total, count) => total + count, 0);
    assert.equal(sum, counts.substitutions + counts.insertions + counts.deletions);
    assert.equal(sum, counts.wordErrors);
  }
  // x x inserted before, b missing, y inserted after: the first word takes the leading insertions.
  assert.deepEqual(countErrors('a b c', 'x x a c y', 'de').errors, [2, 1, 1]);
});

test('without errors the interval is the exact one', () => {
  const words = Array.from({ length: 30 }, (_, i) => `w${i}`).join(' ');
  const perfect = scoreTranscript(words, words, { language: 'de' });
  assert.equal(perfect.ci?.method, 'exact');
  assert.equal(perfect.ci?.low, 0);
  // Clopper and Pearson for 0 of 30: 1 − 0.025^(1/30) = 0.1157.
  assert.ok(Math.abs(perfect.ci!.high - 0.1157) < 5e-5);
});

test('the interval over words is close to the binomial one and repeats with its seed', () => {
  const errors = Array.from({ length: 400 }, (_, i) => (i % 10 === 0 ? 1 : 0));
  const lengths = errors.map(() => 1);
  const interval = rateInterval(errors, lengths, 'words', { seed: 4 })!;
  // Clopper and Pearson for 40 of 400: 7.24 % … 13.37 %.
  assert.ok(Math.abs(interval.low - 0.0724) < 0.006 && Math.abs(interval.high - 0.1337) < 0.006);
  assert.deepEqual(rateInterval(errors, lengths, 'words', { seed: 4 }), interval);
  assert.notDeepEqual(rateInterval(errors, lengths, 'words', { seed: 5 }), interval);
});

test('a corpus divides all errors by all words', () => {
  const corpus = scoreCorpus(
    [
      { reference: 'a b c d e f g h i j', hypothesis: 'a b c d e f g h i j' },
      { reference: 'k l', hypothesis: 'k' },
      { reference: 'm n o', hypothesis: 'm x o p' },
    ],
    { language: 'de', seed: 2 },
  );
  assert.deepEqual(
    [corpus.wer, corpus.referenceWords, corpus.substitutions, corpus.insertions, corpus.deletions],
    [3 / 15, 15, 1, 1, 1],
  );
  assert.equal(corpus.ci?.unit, 'utterances');
  assert.deepEqual(
    corpus.utterances.map((utterance) => utterance.wer),
    [0, 1 / 2, 2 / 3],
  );
  const single = scoreCorpus([{ reference: 'a b c', hypothesis: 'a b' }], { language: 'de', seed: 2 });
  assert.deepEqual(single.ci, scoreTranscript('a b c', 'a b', { language: 'de', seed: 2 }).ci);
  assert.equal(scoreCorpus([], english).ci, null);
});

test('the interval over recordings covers the true rate when errors cluster in them', () => {
  const random = createRandom(89);
  const experiments = 300;
  let byRecording = 0;
  let byWord = 0;
  for (let experiment = 0; experiment < experiments; experiment++) {
    // Half the speakers are hard (16 % errors), half easy (4 %): 10 % in the long run.
    const recordings = Array.from({ length: 60 }, () => {
      const rate = random.uniform() < 0.5 ? 0.16 : 0.04;
      return Array.from({ length: 40 }, () => (random.uniform() < rate ? 1 : 0));
    });
    const sums = recordings.map((errors) => errors.reduce((sum: number, error) => sum + error, 0));
    const options = { seed: experiment, resamples: 300 };
    const wide = rateInterval(
      sums,
      sums.map(() => 40),
      'utterances',
      options,
    )!;
    const words: number[] = recordings.flat();
    const narrow = rateInterval(
      words,
      words.map(() => 1),
      'words',
      options,
    )!;
    if (wide.low <= 0.1 && 0.1 <= wide.high) byRecording++;
    if (narrow.low <= 0.1 && 0.1 <= narrow.high) byWord++;
  }
  assert.ok(byRecording / experiments > 0.91, `by recording ${byRecording / experiments}`);
  assert.ok(byWord < byRecording, 'words of a recording are not independent');
});
