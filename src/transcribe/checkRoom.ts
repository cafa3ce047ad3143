import { SAMPLE_RATE_HZ } from '../audio/audioClip.js';
import { buildPrompt } from '../decoder/prompt.js';
import { audioTokenCount } from '../encoder/convStem.js';
import { QwenAsrError } from '../error.js';
import { melFrameCount } from '../ops/logMelShape.js';
import type { Stages } from './stages.js';
import type { TranscribeRequest } from './transcribeRequest.js';

/** Shorter audio fits beside every model, and is not held up by looking. */
const LONG_SAMPLES = 60 * SAMPLE_RATE_HZ;

/** Whether a clip is so long that memory may not suffice for it. */
export function isLong(sampleCount: number): boolean {
  return sampleCount > LONG_SAMPLES;
}

/**
 * Takes all the memory that a long clip will need and gives it back, so that what does not fit is found before minutes of
 * computing, and not after them.
 *
 * @throws QwenAsrError `memory` in one line that says how long the clip is
 */
export function checkRoom(
  stages: Omit<Stages, 'mel'>,
  sampleCount: number,
  request: TranscribeRequest,
): void {
  if (!isLong(sampleCount)) return;
  const { encoder, decoder, text } = stages;
  const frames = melFrameCount(sampleCount);
  const content = { ...request.promptContent, audioTokens: audioTokenCount(frames) };
  const { ids } = buildPrompt(text.promptIds, content);
  try {
    encoder.tryRoom(frames);
    const session = decoder.openSession({ sequences: 1, capacity: ids.length + request.budget });
    try {
      session.tryRoom(ids.length);
    } finally {
      session.release();
    }
  } catch (cause) {
    if (!(cause instanceof QwenAsrError && cause.code === 'memory')) throw cause;
    const seconds = Math.round(sampleCount / SAMPLE_RATE_HZ);
    const need = `${seconds} s of audio at once, with ${request.budget} tokens, need more memory than there is`;
    throw new QwenAsrError('memory', `${need}: cut it into shorter segments (${cause.message})`, { cause });
  }
}
