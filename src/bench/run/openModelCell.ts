import { weightBytes } from '../../model/modelDirectory.js';
import { availableBytes } from '../../runtime/availableBytes.js';
import type {
  BackendChoice,
  LoadOptions,
  Mel,
  ModelInfo,
  SegmentationOptions,
  SpeechModel,
  TranscribeOptions,
} from '../../transcribe/types.js';
import type { RunMeters } from '../meters/runMeters.js';
import { workOfRun, workOfSegments } from '../phases.js';
import { type ArithmeticChoice, type ModelCellPlan, syntheticTokens } from '../plan/benchPlan.js';
import type { RunRecord } from '../schema/runRecord.js';
import { type LiveCell, liveRun, MEASURED_TOKENS_PER_SECOND, offlineText } from '../stream/liveRuns.js';
import type { BenchmarkAudio, CellSession, OpenCellOptions } from './cellSession.js';
import { recordEncoding, recordTranscript } from './recordRun.js';
import {
  cutAudio,
  framesOf,
  heardFrames,
  recordSegments,
  segmentationOf,
  segmentSizes,
  transcribeInSegments,
} from './segmentedRun.js';

/** What model cells share. */
export interface ModelCellParts {
  readonly pool: ModelPool;
  readonly meters: RunMeters;
  readonly audio: BenchmarkAudio;
}

/** Makes one run on a model. */
type RunOn = (model: SpeechModel) => Promise<RunRecord>;

/**
 * A cell that runs this engine in this process: transcribe() on the samples, transcribeLong() where they are cut, a stream
 * that they are spoken to, or encode() on a mel spectrogram that is computed once (for silence it is zeros).
 *
 * @throws QwenAsrError what loading the model throws
 */
export async function openModelCell(
  plan: ModelCellPlan,
  { pool, meters, audio }: ModelCellParts,
  options: OpenCellOptions,
): Promise<CellSession> {
  const { signal } = options;
  const choice = { source: plan.model, load: plan.load };
  meters.memory.start();
  const { model, loadMs } = await pool.get(choice, options);
  meters.memory.mark('load');
  const memory = meters.memory.stop();
  const { info } = model;
  const mel = plan.mode === 'encoder' ? await melOf(model, audio, signal) : null;
  const segmentation = mel === null ? segmentationOf(plan) : null;
  const cuts = segmentation === null ? null : await cutAudio(audio.samples, segmentation);
  const heard = cuts?.filter(({ heardMs }) => heardMs > 0).length ?? 1;
  const exactTokens = exactTokensOf(plan, info, audio, heard);
  const parts = { meters, audio };
  const live: LiveCell | null = plan.stream && { plan, stream: plan.stream, audio, signal };
  const runOn: RunOn =
    live !== null
      ? (model) => liveRun(model, live, meters)
      : mel !== null
        ? encoderRun(mel, meters, signal)
        : segmentation !== null
          ? segmentedRun(plan, segmentation, exactTokens, parts, signal)
          : pipelineRun(plan, exactTokens, parts, signal);
  const wholeFrames = mel?.frames ?? framesOf(audio.samples.length);
  return {
    facts: {
      model: info,
      exactTokens,
      durationMs: audio.durationMs,
      frames: cuts?.reduce((sum, cut) => sum + heardFrames(cut), 0) ?? wholeFrames,
      segments: cuts?.length ?? null,
      offline: live === null ? null : await offlineText(model, live),
      setup: {
        loadMs,
        audioDecodeMs: audio.path === null ? null : audio.decodeMs,
        resampleMs: audio.path === null ? null : audio.resampleMs,
        memory,
      },
      notes: [
        ...audio.notes,
        ...info.notes,
        ...(info.synthetic ? [randomWeightsNote(plan, exactTokens, cuts === null ? null : heard)] : []),
      ],
    },
    run: async () => {
      const { model, fresh } = await pool.get(choice, signal === undefined ? {} : { signal });
      // It had to give way to another one: bring it back to the state after the warm-up.
      if (fresh) await runOn(model);
      return runOn(model);
    },
    work: (run) =>
      // The same audio goes through the layers again and again: no roofline.
      run.stream != null
        ? []
        : run.segments == null
          ? workOfRun(info, { ...sizeOf(run), frames: wholeFrames })
          : workOfSegments(info, segmentSizes(run.segments), run.decodeStepsMs.length),
    measureCeilings: async () => {
      const { model } = await pool.get(choice, signal === undefined ? {} : { signal });
      return model.measureCeilings();
    },
    close: async () => {}, // the pool closes its models
  };
}

function pipelineRun(
  plan: ModelCellPlan,
  exactTokens: number | null,
  { meters, audio }: Pick<ModelCellParts, 'meters' | 'audio'>,
  signal: AbortSignal | undefined,
): RunOn {
  const options = transcribeOptions(plan, exactTokens, meters, signal);
  return async (model) => {
    const observed = await meters.observe(() => model.transcribe(audio.samples, options).result);
    return recordTranscript(observed, model.info);
  };
}

function segmentedRun(
  plan: ModelCellPlan,
  segmentation: SegmentationOptions,
  exactTokens: number | null,
  { meters, audio }: Pick<ModelCellParts, 'meters' | 'audio'>,
  signal: AbortSignal | undefined,
): RunOn {
  const { batch } = plan;
  const options = { ...transcribeOptions(plan, exactTokens, meters, signal), batch };
  return async (model) => {
    const observed = await meters.observe(() =>
      transcribeInSegments(model, audio.samples, segmentation, options),
    );
    return recordSegments(observed, model.info);
  };
}

function transcribeOptions(
  { language }: ModelCellPlan,
  exactTokens: number | null,
  { memory }: RunMeters,
  signal: AbortSignal | undefined,
): Omit<TranscribeOptions, 'observer'> {
  return {
    ...(exactTokens !== null && { exactTokens }),
    ...(language !== undefined && { language }),
    ...(signal !== undefined && { signal }),
    onPhaseEnd: memory.mark.bind(memory),
  };
}

function encoderRun(mel: Mel, meters: RunMeters, signal: AbortSignal | undefined): RunOn {
  const options = {
    ...(signal !== undefined && { signal }),
    onPhaseEnd: meters.memory.mark.bind(meters.memory),
  };
  return async (model) => recordEncoding(await meters.observe(() => model.encode(mel, options)));
}

/** Of cut audio, what random weights decode is shared out among the segments that are heard. */
function exactTokensOf(
  plan: ModelCellPlan,
  info: ModelInfo,
  { durationMs }: BenchmarkAudio,
  segments: number,
): number | null {
  if (plan.mode === 'encoder' || plan.stream !== null) return null;
  if (plan.exactTokens !== undefined || !info.synthetic) return plan.exactTokens ?? null;
  return Math.max(1, Math.round(syntheticTokens(durationMs) / Math.max(1, segments)));
}

async function melOf(
  model: SpeechModel,
  { path, samples }: BenchmarkAudio,
  signal: AbortSignal | undefined,
): Promise<Mel> {
  return path === null ? zeroMel(samples.length) : model.melSpectrogram(samples, signal);
}

/** A mel of zeros for silence of `sampleCount` samples at 16 kHz: 128 bins a frame. */
function zeroMel(sampleCount: number): Mel {
  const frames = framesOf(sampleCount);
  return { data: new Float32Array(128 * frames), bins: 128, frames };
}

function sizeOf({ audioTokens, promptTokens, tokens }: RunRecord) {
  return { audioTokens: audioTokens ?? 0, promptTokens, tokens };
}

/** @param segments that are heard; null when nothing is cut */
function randomWeightsNote(plan: ModelCellPlan, exactTokens: number | null, segments: number | null): string {
  if (plan.mode === 'encoder') return 'the weights are random';
  if (plan.stream !== null) {
    return `random weights: the text is meaningless; every step says the last tokens of the one before anew, and ${MEASURED_TOKENS_PER_SECOND} for each second of new audio`;
  }
  const origin = plan.exactTokens === undefined ? '3 a second of audio; --tokens changes it' : '--tokens';
  const count = `${exactTokens} tokens${segments === null ? '' : ` in each of ${segments} segments`}`;
  return `random weights: the text is meaningless; every run decodes ${count} (${origin})`;
}

/** What a model is loaded by. */
export interface ModelChoice {
  readonly source: string;
  readonly load: ArithmeticChoice;
}

/** A model of the pool. */
export interface PooledModel {
  readonly model: SpeechModel;
  /** Wall time of loading it. */
  readonly loadMs: number;
  /** It was loaded for this call. */
  readonly fresh: boolean;
}

/** What the pool asks of the world outside. */
export interface PoolDependencies {
  readonly load: (source: string, options: LoadOptions) => Promise<SpeechModel>;
  /** Memory that is available. */
  readonly freeBytes?: () => number;
}

/** Left free beside the weights: activations, caches, and the memory that the ceilings are measured in. */
const SPARE_BYTES = 2 ** 30;

/**
 * The models of a measurement, each loaded once and kept while memory allows. When there is too little for the next
 * one, those that were not used for the longest time are closed, and loaded anew when they are needed again.
 */
export class ModelPool {
  readonly #load: PoolDependencies['load'];
  readonly #freeBytes: () => number;
  /** In the order of their last use. */
  readonly #models = new Map<string, { model: SpeechModel; loadMs: number }>();

  constructor({ load, freeBytes = availableBytes }: PoolDependencies) {
    this.#load = load;
    this.#freeBytes = freeBytes;
  }

  /**
   * The model of a choice; not to be closed by the caller.
   *
   * @throws QwenAsrError what loading throws
   */
  async get(
    { source, load }: ModelChoice,
    options: { signal?: AbortSignal | undefined; onBackend?: ((choice: BackendChoice) => void) | undefined },
  ): Promise<PooledModel> {
    const key = JSON.stringify([source, load.backend, load.isa, load.precision, load.threads]);
    const kept = this.#models.get(key);
    if (kept !== undefined) {
      this.#models.delete(key);
      this.#models.set(key, kept);
      return { ...kept, fresh: false };
    }
    await this.#makeRoom(await weightBytes(source));
    const startMs = performance.now();
    const model = await this.#load(source, {
      ...load,
      ...(options.signal && { signal: options.signal }),
      ...(options.onBackend && { onBackend: options.onBackend }),
    });
    const loaded = { model, loadMs: performance.now() - startMs };
    this.#models.set(key, loaded);
    return { ...loaded, fresh: true };
  }

  async close(): Promise<void> {
    const models = [...this.#models.values()];
    this.#models.clear();
    for (const { model } of models) await model.close();
  }

  async #makeRoom(bytes: number): Promise<void> {
    for (const [key, { model }] of [...this.#models]) {
      if (this.#freeBytes() >= bytes + SPARE_BYTES) return;
      this.#models.delete(key);
      await model.close();
    }
  }
}
