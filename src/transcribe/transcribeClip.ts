import { decodeGreedily } from '../decoder/greedyBatch.js';
import { checkRoom } from './checkRoom.js';
import { ClipTranscript } from './clipTranscript.js';
import { type ClipContext, encodeClip } from './encodeClip.js';
import type { Stages } from './stages.js';
import type { TranscribeRequest } from './transcribeRequest.js';
import type { TokenEvent, Transcript } from './types.js';

/** How one run is timed, watched and stopped, and who hears of its tokens. */
export interface RunContext extends ClipContext {
  readonly emit: (event: TokenEvent) => void;
}

/**
 * The pipeline: samples → log-mel → encoder → prompt → decoder → tokens → text.
 *
 * @param samples [n] f32, mono, 16 kHz
 * @throws QwenAsrError `audio` for samples that are empty or not finite; `numeric` when log-mel, encoder output or a
 * chosen logit is not finite; `memory`; `aborted`; `closed`
 */
export async function transcribeClip(
  stages: Stages,
  samples: Float32Array,
  request: TranscribeRequest,
  run: RunContext,
): Promise<Transcript> {
  const { ledger, signal, observer } = run;
  ledger.time('prefillMs', () => checkRoom(stages, samples.length, request));
  const input = await encodeClip(stages, samples, request, run);
  const facts = { prompt: input.prompt, durationMs: samples.length / 16 };
  const transcript = new ClipTranscript(stages.text, facts, request, ledger);
  const capacity = input.prompt.ids.length + request.budget;
  const session = ledger.time('prefillMs', () =>
    stages.decoder.openSession({ sequences: 1, capacity, signal, observer }),
  );
  try {
    const { budget, exact } = request;
    const options = { stopIds: stages.text.promptIds.endIds, budget, exact };
    for await (const token of decodeGreedily(session, input, options)) {
      run.emit({ ...transcript.take(token), atMs: ledger.elapsedMs() });
    }
    return transcript.finish();
  } finally {
    session.release();
  }
}
