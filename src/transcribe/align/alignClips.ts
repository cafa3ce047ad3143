import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { checkSamples } from '../../audio/prepareSamples.js';
import { speechSpans, type TimeSpan } from '../../audio/vad/speechSpans.js';
import { type AlignmentUnit, alignmentUnits } from '../../text/alignmentUnits.js';
import type { AlignedText, AlignerInfo, TimedWord } from '../types.js';
import { placeInSpeech } from './placeInSpeech.js';
import { repairTimes } from './repairTimes.js';
import { timeLongClip } from './timeLongClip.js';
import { type AlignerStages, type ModelTimes, timeWords } from './timeWords.js';

/** A clip and what is said in it. */
export interface ClipText {
  /** [n ≥ 1] f32, mono, 16 kHz */
  readonly samples: Float32Array;
  readonly text: string;
  /** Name as the aligner spells it; '' when unknown. */
  readonly language: string;
}

/** What is known of a clip before the model hears it. */
interface PreparedClip extends ClipText {
  readonly units: readonly AlignmentUnit[];
  readonly speech: readonly TimeSpan[];
  readonly durationMs: number;
}

/** Share of words without a length and of times that went back, averaged, from which on a text is doubted. */
const DOUBTED_DISORDER = 0.2;

/** Fewer words say too little. */
const LEAST_DOUBTED_WORDS = 3;

/** Speech before the first word or after the last that is worth a note. */
const UNTOLD_SPEECH_MS = 2000;

/**
 * Aligns clips with their texts: units of the text, their times, repair, and a place in speech for each.
 *
 * @throws QwenAsrError as timeWords
 */
export async function alignClips(
  stages: AlignerStages,
  info: AlignerInfo,
  clips: readonly ClipText[],
  signal: AbortSignal | undefined,
): Promise<AlignedText[]> {
  const prepared: PreparedClip[] = [];
  for (const clip of clips) prepared.push(await prepare(clip, signal));
  const wordless = ({ units }: PreparedClip): boolean => units.length === 0;
  const isLong = ({ durationMs }: PreparedClip): boolean => durationMs > info.maxMs;
  const short = prepared.filter((clip) => !wordless(clip) && !isLong(clip));
  const times = new Map<PreparedClip, ModelTimes>();
  const found = await timeWords(stages, short.map(clipWords), signal);
  for (const [i, clip] of short.entries()) times.set(clip, found[i]!);
  for (const clip of prepared.filter((clip) => !wordless(clip) && isLong(clip))) {
    const options = { maxMs: info.maxMs, speech: clip.speech, signal };
    times.set(clip, await timeLongClip(stages, clipWords(clip), options));
  }
  return prepared.map((clip) => {
    const own = times.get(clip);
    return own === undefined ? { words: [], notes: [] } : alignmentOf(clip, own);
  });
}

async function prepare(clip: ClipText, signal: AbortSignal | undefined): Promise<PreparedClip> {
  checkSamples(clip.samples);
  const units = alignmentUnits(clip.text, clip.language);
  const speech = units.length === 0 ? [] : await speechSpans(clip.samples, signal);
  return { ...clip, units, speech, durationMs: (1000 * clip.samples.length) / SAMPLE_RATE_HZ };
}

function clipWords({ samples, units }: PreparedClip) {
  return { samples, words: units.map(({ text }) => text) };
}

function alignmentOf(clip: PreparedClip, { times }: ModelTimes): AlignedText {
  const repaired = repairTimes(times);
  const spans = clip.units.map((_, i) => ({ startMs: repaired[2 * i]!, endMs: repaired[2 * i + 1]! }));
  const placed = placeInSpeech(spans, clip.speech, clip.durationMs);
  const lastMs = Math.floor(clip.durationMs);
  const words = clip.units.map((unit, i): TimedWord => {
    const aligned = spans[i]!;
    const startMs = Math.min(placed[i]!.startMs, lastMs);
    const endMs = Math.min(placed[i]!.endMs, lastMs);
    const isSame = startMs === aligned.startMs && endMs === aligned.endMs;
    return {
      text: unit.text,
      startMs,
      endMs,
      textStart: unit.textStart,
      textEnd: unit.textEnd,
      ...(!isSame && { aligned }),
    };
  });
  return { words, notes: [...doubts(spans, times, repaired), ...untoldSpeech(words, clip.speech)] };
}

/** A text that is not what the clip says gets times that go back, and words for which no time is left. */
function doubts(spans: readonly TimeSpan[], times: readonly number[], repaired: readonly number[]): string[] {
  if (spans.length < LEAST_DOUBTED_WORDS) return [];
  const empty = spans.filter(({ startMs, endMs }) => startMs === endMs).length;
  const moved = times.filter((ms, i) => Math.trunc(ms) !== repaired[i]).length;
  const disorder = (empty / spans.length + moved / times.length) / 2;
  if (disorder <= DOUBTED_DISORDER) return [];
  const facts = `${empty} of its ${spans.length} words got no time, and ${moved} of ${times.length} times went back`;
  return [`the text hardly fits the recording: ${facts}`];
}

/** Speech that no word of the text stands for, at either end. */
function untoldSpeech(words: readonly TimedWord[], speech: readonly TimeSpan[]): string[] {
  const [first, last] = [words[0]!, words.at(-1)!];
  const lengthOf = (spans: readonly TimeSpan[]): number =>
    spans.reduce((sum, { startMs, endMs }) => sum + Math.max(0, endMs - startMs), 0);
  const before = lengthOf(speech.map((span) => ({ ...span, endMs: Math.min(span.endMs, first.startMs) })));
  const after = lengthOf(speech.map((span) => ({ ...span, startMs: Math.max(span.startMs, last.endMs) })));
  const note = (ms: number, where: string): string[] =>
    ms < UNTOLD_SPEECH_MS ? [] : [`${(ms / 1000).toFixed(1)} s of speech ${where} have no text`];
  return [...note(before, 'before the first word'), ...note(after, 'after the last word')];
}
