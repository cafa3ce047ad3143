import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeInSpeech } from '../../../src/transcribe/align/placeInSpeech.js';

type Pair = readonly [startMs: number, endMs: number];
const spans = (pairs: readonly Pair[]) => pairs.map(([startMs, endMs]) => ({ startMs, endMs }));

function place(words: readonly Pair[], speech: readonly Pair[], durationMs = 10_000): Pair[] {
  const placed = placeInSpeech(spans(words), spans(speech), durationMs);
  return placed.map(({ startMs, endMs }) => [startMs, endMs]);
}

test('words in speech and in short pauses stay where they are', () => {
  const words: Pair[] = [
    [0, 300],
    [300, 2000],
    [2100, 2200],
    [2600, 2900],
  ];
  const speech: Pair[] = [
    [0, 1900],
    [2500, 3000],
  ];
  assert.deepEqual(place(words, speech, 3900), words);
  assert.deepEqual(place(words, []), words, 'without any speech there is nothing to move to');
});

test('a word in leading silence goes to the beginning of speech', () => {
  assert.deepEqual(
    place(
      [
        [80, 400],
        [3200, 3400],
      ],
      [[3000, 5000]],
    ),
    [
      [3000, 3200],
      [3200, 3400],
    ],
  );
});

test('words in a long pause go to the nearer side, in their order, into the time that is left there', () => {
  const speech: Pair[] = [
    [0, 1000],
    [5000, 6000],
  ];
  const words: Pair[] = [
    [0, 800],
    [1200, 1500],
    [4000, 4400],
    [4400, 4500],
    [5200, 6000],
  ];
  assert.deepEqual(place(words, speech), [
    [0, 800],
    [800, 1000],
    [5000, 5100],
    [5100, 5200],
    [5200, 6000],
  ]);
});

test('where no time is left a word has none, and touches speech', () => {
  const speech: Pair[] = [[0, 1000]];
  assert.deepEqual(
    place(
      [
        [0, 1300],
        [1300, 1700],
        [5000, 5000],
      ],
      speech,
    ),
    [
      [0, 1000],
      [1000, 1000],
      [1000, 1000],
    ],
  );
});

test('a word that reaches a second or more into silence loses it', () => {
  const speech: Pair[] = [
    [2000, 3000],
    [8000, 9000],
  ];
  assert.deepEqual(
    place(
      [
        [0, 2400],
        [2400, 5000],
      ],
      speech,
    ),
    [
      [2000, 2400],
      [2400, 3000],
    ],
  );
  // Less may be a word's own quiet end.
  assert.deepEqual(place([[1500, 3900]], speech), [[1500, 3900]]);
});

test('nothing is ever negative, out of order or wholly in silence', () => {
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 500; round++) {
    const cuts = (count: number) =>
      Array.from({ length: 2 * count }, () => next(20_000)).sort((a, b) => a - b);
    const pairs = (times: number[]): Pair[] =>
      times.flatMap((ms, i) => (i % 2 === 0 ? [[ms, times[i + 1]!] as const] : []));
    const speech = pairs(cuts(1 + next(4)));
    const placed = place(pairs(cuts(1 + next(8))), speech, 20_000);
    let before = 0;
    for (const [startMs, endMs] of placed) {
      assert.ok(startMs >= before && endMs >= startMs, JSON.stringify({ speech, placed }));
      before = endMs;
      const edges = [0, ...speech.flat(), 20_000];
      for (let i = 0; i < edges.length; i += 2) {
        const [from, to] = [edges[i]!, edges[i + 1]!];
        if (to - from < 1000) continue;
        assert.ok(!(startMs > from && endMs < to), JSON.stringify({ speech, placed, startMs, endMs }));
      }
    }
  }
});
