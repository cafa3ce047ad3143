import type { GreedyInput } from '../decoder/greedyBatch.js';
import { buildPrompt } from '../decoder/prompt.js';
import type { Observer } from '../ops/operators.js';
import type { Ledger } from './ledger.js';
import { checkFinite } from './numericDiagnosis.js';
import type { Stages } from './stages.js';
import type { TranscribeRequest } from './transcribeRequest.js';

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
