import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MelStage } from '../../../src/audio/melSpectrogram.js';
import { loadWav } from '../../../src/audio/openAudio.js';
import { Decoder } from '../../../src/decoder/decoder.js';
import { decodeGreedily } from '../../../src/decoder/greedyBatch.js';
import { buildPrompt, type PromptContent } from '../../../src/decoder/prompt.js';
import { Encoder } from '../../../src/encoder/encoder.js';
import { readModelConfig } from '../../../src/model/config.js';
import { readModelDirectory } from '../../../src/model/modelDirectory.js';
import { WeightForms } from '../../../src/model/weightForms.js';
import { loadDecoderWeights, loadEncoderWeights } from '../../../src/model/weights.js';
import type { Backend, Precision } from '../../../src/ops/operators.js';
import { Ledger } from '../../../src/transcribe/ledger.js';
import {
  endsInLoop,
  type StepComputer,
  type StepInput,
  type StepOutcome,
} from '../../../src/transcribe/live/liveStep.js';
import { transcriptTextModel } from '../../../src/transcribe/textModel.js';
import type { Stages } from '../../../src/transcribe/transcribeClip.js';
import { encodeClip } from '../../../src/transcribe/transcribeClip.js';
import { resolveRequest } from '../../../src/transcribe/transcribeRequest.js';
import { goldenDir } from '../../support/projectRoot.js';

/** One step of the published code; test/golden/streaming/README.md. */
export interface GoldenStep {
  readonly samples: number;
  readonly prefix: string;
  readonly tokens: readonly number[];
  readonly generated: string;
  readonly language: string;
  readonly text: string;
}

const streamingDir = join(goldenDir, 'streaming');

/** The steps of every clip in a file of test/golden/streaming. */
export function readStreamingGolden(file: string): Readonly<Record<string, readonly GoldenStep[]>> {
  return JSON.parse(readFileSync(join(streamingDir, file), 'utf8'));
}

/** The samples of a clip of test/golden/streaming, which is at 16 kHz. */
export async function readStreamingClip(name: string): Promise<Float32Array> {
  return (await loadWav(join(streamingDir, name))).samples;
}

/** The stages of a model on a backend, which a loaded model keeps to itself. */
export async function openStages(
  directory: string,
  backend: Backend,
  precision: Precision = backend.precision,
): Promise<Stages & { release(): void }> {
  const files = await readModelDirectory(directory);
  const config = readModelConfig(files.tensors, files.configJson);
  const { encoder, decoder } = config;
  const forms = new WeightForms(files.tensors, precision, backend.precision);
  const decoderWeights = loadDecoderWeights(files.tensors, decoder, backend, forms);
  const encoderWeights = loadEncoderWeights(files.tensors, encoder, decoder.hidden, backend, forms);
  await backend.placeWeights();
  return {
    mel: new MelStage(backend),
    encoder: new Encoder(backend, encoder, encoderWeights),
    decoder: new Decoder(backend, decoder, decoderWeights),
    text: transcriptTextModel(files, config),
    release: () => files.release(),
  };
}

/** The plain algorithm: every step computes everything anew, in a session of its own, and decodes token by token. */
export class PlainSteps implements StepComputer {
  readonly #stages: Stages;
  readonly #content: Omit<PromptContent, 'audioTokens'>;

  constructor(stages: Stages, content: Omit<PromptContent, 'audioTokens'>) {
    this.#stages = stages;
    this.#content = content;
  }

  async step({ samples, prefixIds, budget }: StepInput): Promise<StepOutcome> {
    const { text, decoder } = this.#stages;
    const request = { ...resolveRequest(text, {}, 0), promptContent: this.#content };
    const ledger = new Ledger(performance.now());
    const { audio, prompt: bare } = await encodeClip(this.#stages, samples, request, { ledger });
    const { audioTokens } = bare;
    const prompt = buildPrompt(text.promptIds, { ...this.#content, audioTokens, outputIds: prefixIds });
    const { endIds } = text.promptIds;
    const session = decoder.openSession({ sequences: 1, capacity: prompt.ids.length + budget });
    const ids: number[] = [];
    let ended = false;
    try {
      const options = { stopIds: endIds, budget, exact: false };
      for await (const token of decodeGreedily(session, { prompt, audio }, options)) {
        ended = token.isStop;
        if (ended) break;
        ids.push(token.id);
        if (endsInLoop(ids)) break;
      }
    } finally {
      session.release();
    }
    const figures = {
      melMs: 0,
      convStemMs: 0,
      encoderLayersMs: 0,
      prefillMs: 0,
      decodeMs: 0,
      audioTokens,
      encodedTokens: audioTokens,
      prefilledTokens: prompt.ids.length,
      draftTokens: 0,
      acceptedTokens: 0,
      decodedTokens: ids.length,
      floorMoved: false,
    };
    return { ids, ended, figures };
  }

  reset(): void {}

  release(): void {}
}
