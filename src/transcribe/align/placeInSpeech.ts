import type { TimeSpan } from '../../audio/vad/speechSpans.js';

/** A word in a shorter silence may well be one that the voice activity missed. */
const LEAST_SILENCE_MS = 1000;

/** A silence, and the speech before and after it, as far as there is any. */
interface Silence extends TimeSpan {
  readonly before: TimeSpan | undefined;
  readonly after: TimeSpan | undefined;
}

/**
 * Moves words that lie wholly in a second or more of silence to the nearest speech, without changing their order: they get
 * the time that is left between their neighbours and the speech, and none where there is none. A word that begins or ends
 * with a second or more of silence loses it.
 *
 * @param words in order, without overlap
 * @param speech in order; without any nothing moves
 * @example
 * const speech = [{ startMs: 3000, endMs: 4000 }];
 * placeInSpeech([{ startMs: 500, endMs: 700 }, { startMs: 3100, endMs: 4000 }], speech, 5000);
 * // [{ startMs: 3000, endMs: 3100 }, { startMs: 3100, endMs: 4000 }]
 */
export function placeInSpeech(
  words: readonly TimeSpan[],
  speech: readonly TimeSpan[],
  durationMs: number,
): TimeSpan[] {
  const placed = [...words];
  if (speech.length === 0) return placed;
  for (const silence of longSilences(speech, durationMs)) {
    for (const [i, word] of placed.entries()) placed[i] = withoutSilence(word, silence);
    moveOut(placed, silence);
  }
  return placed;
}

function longSilences(speech: readonly TimeSpan[], durationMs: number): Silence[] {
  const stretches = withoutPauses(speech);
  const silences = [undefined, ...stretches].map((before, i): Silence => {
    const after = stretches[i];
    return { startMs: before?.endMs ?? 0, endMs: after?.startMs ?? durationMs, before, after };
  });
  return silences.filter((silence) => lengthOf(silence) >= LEAST_SILENCE_MS);
}

/** Speech with what is less than a silence between it. */
function withoutPauses(speech: readonly TimeSpan[]): TimeSpan[] {
  const stretches: TimeSpan[] = [];
  for (const span of speech) {
    const last = stretches.at(-1);
    if (last === undefined || span.startMs - last.endMs >= LEAST_SILENCE_MS) stretches.push(span);
    else stretches[stretches.length - 1] = { startMs: last.startMs, endMs: span.endMs };
  }
  return stretches;
}

/** A word that reaches far into a silence from one side ends where the silence does. */
function withoutSilence(word: TimeSpan, { startMs, endMs }: Silence): TimeSpan {
  const beginsInside = word.startMs >= startMs && word.startMs < endMs && word.endMs > endMs;
  const endsInside = word.endMs > startMs && word.endMs <= endMs && word.startMs < startMs;
  if (beginsInside && endMs - word.startMs >= LEAST_SILENCE_MS) return { ...word, startMs: endMs };
  if (endsInside && word.endMs - startMs >= LEAST_SILENCE_MS) return { ...word, endMs: startMs };
  return word;
}

/** Moves what is wholly inside to the nearer side that has speech. */
function moveOut(words: TimeSpan[], silence: Silence): void {
  const inside = words.flatMap((word, i) => (isInside(word, silence) ? [i] : []));
  const { before, after } = silence;
  const goesLeft = (i: number): boolean => {
    if (before === undefined || after === undefined) return before !== undefined;
    return words[i]!.startMs - silence.startMs <= silence.endMs - words[i]!.endMs;
  };
  const left = inside.filter(goesLeft);
  if (before !== undefined) placeAtEnd(words, left, before);
  if (after !== undefined) placeAtStart(words, inside.slice(left.length), after);
}

/** A word without length at the very edge touches speech. */
function isInside(word: TimeSpan, { startMs, endMs }: Silence): boolean {
  if (word.startMs < startMs || word.endMs > endMs) return false;
  return word.endMs > word.startMs || (word.startMs > startMs && word.endMs < endMs);
}

/** Words at the end of speech, after the word that is there, each as long as it was if there is room. */
function placeAtEnd(words: TimeSpan[], indices: readonly number[], speech: TimeSpan): void {
  const [first] = indices;
  if (first === undefined) return;
  const before = words[first - 1];
  if (before !== undefined && before.endMs > speech.endMs) {
    words[first - 1] = { ...before, endMs: speech.endMs };
  }
  const fromMs = Math.max(speech.startMs, words[first - 1]?.endMs ?? 0);
  const roomMs = Math.floor((speech.endMs - fromMs) / indices.length);
  let { endMs } = speech;
  for (const i of [...indices].reverse()) {
    const startMs = endMs - Math.min(roomMs, lengthOf(words[i]!));
    words[i] = { startMs, endMs };
    endMs = startMs;
  }
}

/** The same at the beginning of speech, before the word that is there. */
function placeAtStart(words: TimeSpan[], indices: readonly number[], speech: TimeSpan): void {
  const last = indices.at(-1);
  if (last === undefined) return;
  const after = words[last + 1];
  if (after !== undefined && after.startMs < speech.startMs) {
    words[last + 1] = { ...after, startMs: speech.startMs };
  }
  const toMs = Math.min(speech.endMs, words[last + 1]?.startMs ?? speech.endMs);
  const roomMs = Math.floor((toMs - speech.startMs) / indices.length);
  let { startMs } = speech;
  for (const i of indices) {
    const endMs = startMs + Math.min(roomMs, lengthOf(words[i]!));
    words[i] = { startMs, endMs };
    startMs = endMs;
  }
}

function lengthOf({ startMs, endMs }: TimeSpan): number {
  return endMs - startMs;
}
