import { SAMPLE_RATE_HZ } from '../audio/audioClip.js';
import type { MelStage } from '../audio/melSpectrogram.js';
import type { Decoder } from '../decoder/decoder.js';
import type { GreedyInput } from '../decoder/greedyBatch.js';
import { buildPrompt } from '../decoder/prompt.js';
import { audioTokenCount } from '../encoder/convStem.js';
import type { Encoder } from '../encoder/encoder.js';
import { QwenAsrError } from '../error.js';
import { melFrameCount } from '../ops/logMelShape.js';
import type { Observer } from '../ops/operators.js';
import type { Ledger } from './ledger.js';
import { checkFinite } from './numericDiagnosis.js';
import type { TextModel } from './textModel.js';
import type { TranscribeRequest } from './transcribeRequest.js';

/** The four stages of one loaded model. */
export interface Stages {
  readonly mel: MelStage;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly text: TextModel;
}

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

/** How the work on one clip is timed, watched and stopped. */
export interface ClipContext {
  readonly ledger: Ledger;
  readonly signal?: AbortSignal | undefined;
  readonly observer?: Observer | undefined;
}

/**
 * The first half of the pipeline: samples → log-mel → encoder → prompt.
 *
 * @param samples [n] f32, mono, 16 kHz
 * @throws QwenAsrError `audio` for samples that are empty or not finite; `numeric` when log-mel or encoder output is not
 * finite; `aborted`; `closed`
 */
export async function encodeClip(
  stages: Pick<Stages, 'mel' | 'encoder' | 'text'>,
  samples: Float32Array,
  request: TranscribeRequest,
  context: ClipContext,
): Promise<GreedyInput> {
  const { ledger } = context;
  const mel = await ledger.timeAsync('melMs', async () => {
    const mel = await stages.mel.run(samples, context);
    checkFinite('mel', mel.data, [mel.bins, mel.frames]);
    return mel;
  });
  ledger.endPhase('mel');
  const onStemEnd = (): void => ledger.endPhase('convStem');
  const encoding = await stages.encoder.encode(mel, { ...context, onStemEnd });
  ledger.add('convStemMs', encoding.timings.convStemMs);
  ledger.add('encoderLayersMs', encoding.timings.encoderLayersMs);
  ledger.time('encoderLayersMs', () =>
    checkFinite('encoder', encoding.data, [encoding.tokens, encoding.hidden]),
  );
  ledger.endPhase('encoderLayers');
  const content = { ...request.promptContent, audioTokens: encoding.tokens };
  const prompt = ledger.time('prefillMs', () => buildPrompt(stages.text.promptIds, content));
  return { prompt, audio: encoding.data };
}
