import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import type { TimeSpan } from '../../audio/vad/speechSpans.js';
import { repairTimes } from './repairTimes.js';
import { SpokenClip } from './spokenClip.js';
import { type AlignerStages, type ClipWords, type ModelTimes, timeWords } from './timeWords.js';

const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;

/** Of what an aligner hears at once: it is surer of shorter clips, and of fewer words at a time. */
const WINDOW_SHARE = 0.5;

/**
 * Of the words that a window should hold by its share of the speech, how many it is given. Audio that goes on after the
 * last word does no harm; words that are not in the audio do.
 */
const GIVEN_SHARE = 0.7;

/** Of a window that does not reach the end, words that end later are left to the next one. */
const TRUSTED_SHARE = 0.8;

/** Of the words of a window, those after this share may be left to the next one, so that it begins at a pause. */
const LEAST_SHARE = 0.5;
const MOST_SHARE = 0.9;

/** How far a time may be beside a pause that it belongs to. */
const TOLERANCE_MS = 160;

/**
 * Times the words of a clip that is too long to be heard at once, window by window: each begins where the words of the one
 * before end, at a pause if there is one, and gets fewer words than it should hold.
 *
 * @param maxMs what the aligner hears at once
 * @param speech where somebody speaks
 * @returns the times of all words, in order, from the start of the clip
 */
export async function timeLongClip(
  stages: AlignerStages,
  { samples, words }: ClipWords,
  { maxMs, speech, signal }: { maxMs: number; speech: readonly TimeSpan[]; signal: AbortSignal | undefined },
): Promise<ModelTimes> {
  const clip = new SpokenClip(samples, speech);
  const durationMs = clip.samples.length / SAMPLES_PER_MS;
  const windowMs = WINDOW_SHARE * maxMs;
  const times: number[] = [];
  const logProbabilities: number[] = [];
  let startMs = 0;
  for (let next = 0; next < words.length; ) {
    const endMs = Math.min(startMs + windowMs, durationMs);
    const isLast = endMs === durationMs;
    const rest = words.length - next;
    const share = (endMs - startMs) / (durationMs - startMs);
    const given = isLast ? rest : Math.min(rest, Math.max(1, Math.round(GIVEN_SHARE * share * rest)));
    const heard = clip.samples.subarray(startMs * SAMPLES_PER_MS, endMs * SAMPLES_PER_MS);
    const window = { samples: heard, words: words.slice(next, next + given) };
    const [found] = await timeWords(stages, [window], signal);
    const repaired = repairTimes(found!.times).map((ms) => Math.min(startMs + ms, durationMs));
    const { kept, nextMs } = isLast
      ? { kept: given, nextMs: durationMs }
      : cutWindow(repaired, startMs + TRUSTED_SHARE * windowMs, clip.pauses);
    for (let i = 0; i < 2 * kept; i++) {
      const ms = Math.trunc(clip.inRecording(repaired[i]!, i % 2 === 0 ? 'start' : 'end'));
      times.push(Math.max(times.at(-1) ?? 0, ms));
      logProbabilities.push(found!.logProbabilities[i]!);
    }
    next += kept;
    // Without progress in time the same audio would be heard again and again.
    startMs = Math.min(Math.max(nextMs, startMs + TOLERANCE_MS), durationMs - 1);
  }
  return { times, logProbabilities };
}

/** How many words are taken from a window, at least one, and where the next one begins. */
function cutWindow(
  times: readonly number[],
  trustedMs: number,
  pauses: readonly TimeSpan[],
): { readonly kept: number; readonly nextMs: number } {
  const words = times.length / 2;
  let most = 1;
  while (most < MOST_SHARE * words && times[2 * most + 1]! <= trustedMs) most++;
  let best = { kept: most, nextMs: times[2 * most - 1]! - TOLERANCE_MS, lengthMs: 0 };
  for (let kept = Math.max(1, Math.ceil(LEAST_SHARE * most)); kept <= most; kept++) {
    const [endMs, nextStartMs] = [times[2 * kept - 1]!, times[2 * kept] ?? times[2 * kept - 1]!];
    const pause = pauses.find(
      (span) => span.endMs >= endMs - TOLERANCE_MS && span.startMs <= nextStartMs + TOLERANCE_MS,
    );
    const lengthMs = pause === undefined ? 0 : pause.endMs - pause.startMs;
    if (pause !== undefined && lengthMs >= best.lengthMs) {
      best = { kept, nextMs: (pause.startMs + pause.endMs) / 2, lengthMs };
    }
  }
  return best;
}
