import type { MelStage } from '../audio/melStage.js';
import type { Decoder } from '../decoder/decoder.js';
import { decodeGreedily, type GreedyToken } from '../decoder/greedy.js';
import { buildPrompt, type Prompt } from '../decoder/prompt.js';
import type { Encoder } from '../encoder/encoder.js';
import type { Encoding } from '../encoder/encoding.js';
import type { Observer } from '../ops/operators.js';
import type { Ledger } from './ledger.js';
import { checkFinite } from './numericDiagnosis.js';
import { OutputText } from './outputText.js';
import type { TextModel } from './textModel.js';
import type { TranscribeRequest } from './transcribeRequest.js';
import type { TokenEvent, Transcript } from './types.js';

/** The four stages of one loaded model. */
export interface Stages {
  readonly mel: MelStage;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly text: TextModel;
}

/** How one run is timed, watched and stopped. */
export interface RunContext {
  readonly ledger: Ledger;
  readonly emit: (event: TokenEvent) => void;
  readonly signal?: AbortSignal | undefined;
  readonly observer?: Observer | undefined;
}

/**
 * The pipeline: samples → log-mel → encoder → prompt → decoder → tokens → text.
 *
 * @param samples [n] f32, mono, 16 kHz
 * @throws QwenAsrError `audio` for samples that are empty or not finite; `numeric` when log-mel, encoder output or a
 * chosen logit is not finite; `aborted`; `closed`
 */
export async function transcribeClip(
  stages: Stages,
  samples: Float32Array,
  request: TranscribeRequest,
  run: RunContext,
): Promise<Transcript> {
  const { ledger } = run;
  const encoding = await encodeClip(stages, samples, run);
  const prompt = ledger.time('prefillMs', () =>
    buildPrompt(stages.text.promptIds, { ...request.promptContent, audioTokens: encoding.tokens }),
  );
  const output = new OutputText(stages.text, request);
  const last = await generate(stages, { prompt, audio: encoding.data }, request, output, run);
  const finished = ledger.time('detokenizeMs', () => output.finish());
  return {
    ...finished,
    tokenIds: output.tokenIds,
    promptTokenCount: prompt.ids.length,
    audioTokenCount: encoding.tokens,
    durationMs: samples.length / 16,
    truncated: !request.exact && !last.isStop,
    timings: ledger.close(),
  };
}

async function encodeClip(stages: Stages, samples: Float32Array, run: RunContext): Promise<Encoding> {
  const { ledger } = run;
  const mel = await ledger.timeAsync('melMs', async () => {
    const mel = await stages.mel.run(samples, run);
    checkFinite('mel', mel.data, [mel.bins, mel.frames]);
    return mel;
  });
  const encoding = await stages.encoder.encode(mel, run);
  ledger.add('convStemMs', encoding.timings.convStemMs);
  ledger.add('encoderLayersMs', encoding.timings.encoderLayersMs);
  ledger.time('encoderLayersMs', () =>
    checkFinite('encoder', encoding.data, [encoding.tokens, encoding.hidden]),
  );
  return encoding;
}

/** Decodes until the end and returns the last token. */
async function generate(
  { decoder, text }: Stages,
  input: { prompt: Prompt; audio: Float32Array },
  request: TranscribeRequest,
  output: OutputText,
  run: RunContext,
): Promise<GreedyToken> {
  const { ledger, signal, observer } = run;
  const capacity = input.prompt.ids.length + request.budget;
  const session = ledger.time('prefillMs', () =>
    decoder.openSession({ sequences: 1, capacity, signal, observer }),
  );
  try {
    const options = { stopIds: text.promptIds.endIds, budget: request.budget, exact: request.exact };
    let last: GreedyToken | undefined;
    for await (const token of decodeGreedily(session, input, options)) {
      const index = output.tokenIds.length;
      if (index === 0) ledger.add('prefillMs', token.passMs);
      else ledger.addDecodeStep(token.passMs);
      ledger.markFirstToken();
      const atMs = ledger.elapsedMs();
      checkFinite(index === 0 ? 'first_logits' : 'step_best_logits', Float32Array.of(token.logit), [1]);
      const pieces = ledger.time('detokenizeMs', () => output.push(token));
      run.emit({ id: token.id, index, ...pieces, logProbability: token.logProbability, atMs });
      last = token;
    }
    return last!;
  } finally {
    session.release();
  }
}
