import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scoreParts } from '../../../src/bench/accuracy/scoreCorpus.js';
import { scoreTranscript } from '../../../src/bench/accuracy/scoreTranscript.js';

test('each part is scored by the rules of its own language', () => {
  const parts = [
    { text: 'Set the timer for 7 minutes, please.', language: 'English' },
    { text: 'Wie ist das Wetter in Homburg?', language: 'German' },
  ];
  const reference = 'Set a timer for seven minutes, please. Wie ist das Wetter in Hamburg?';
  const score = scoreParts(reference, parts);
  // By hand: "the" for "a", "Homburg" for "Hamburg"; "seven" is 7 by the English rules.
  assert.deepEqual(
    [
      score.wordErrors,
      score.referenceWords,
      score.substitutions,
      score.insertions,
      score.deletions,
      score.matches,
    ],
    [2, 13, 2, 0, 0, 11],
  );
  assert.deepEqual([score.metric, score.rules], ['wer', 'english-1, multilingual-1']);
  // As a whole of no known language, seven would be an error.
  const whole = scoreTranscript(reference, parts.map(({ text }) => text).join(' '), {
    language: 'English, German',
  });
  assert.equal(whole.wordErrors, 3);
});

test('words and characters are counted together where languages with and without spaces mix', () => {
  const score = scoreParts('good morning everybody 今天天气很好', [
    { text: 'good mourning everybody', language: 'en' },
    { text: '今天天气真好。', language: 'zh' },
  ]);
  assert.deepEqual([score.metric, score.wordErrors, score.referenceWords], ['wer', 2, 9]);
  assert.equal(score.ci?.unit, 'words');
  const characters = scoreParts('今天 お元気', [
    { text: '今天', language: 'zh' },
    { text: 'お元木', language: 'ja' },
  ]);
  assert.deepEqual(
    [characters.metric, characters.characterErrors, characters.referenceCharacters],
    ['cer', 1, 5],
  );
});

test('parts without words, and references that some part has nothing of', () => {
  const empty = scoreParts('good day', [
    { text: '...', language: 'de' },
    { text: 'good day', language: 'en' },
    { text: 'vier fünf', language: 'de' },
  ]);
  assert.deepEqual([empty.wordErrors, empty.insertions, empty.referenceWords], [2, 2, 2]);
  const missed = scoreParts('eins zwei drei vier', [{ text: 'zwei drei', language: 'de' }]);
  assert.deepEqual([missed.wordErrors, missed.deletions, missed.referenceWords], [2, 2, 4]);
});
