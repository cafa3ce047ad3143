import type { Mel, ModelInfo, SpeechModel } from '../../transcribe/types.js';
import { type BenchmarkMode, type ModelCellPlan, syntheticTokens } from '../plan/benchPlan.js';
import type { RunRecord } from '../schema/runRecord.js';
import { workOfRun } from '../workload.js';
import type { BenchmarkAudio } from './benchmarkAudio.js';
import type { CellSession, OpenCellOptions } from './cellSession.js';
import type { ModelPool } from './modelPool.js';
import { recordEncoding, recordTranscript } from './recordRun.js';
import type { RunMeters } from './runMeters.js';

/** What model cells share. */
export interface ModelCellParts {
  readonly pool: ModelPool;
  readonly meters: RunMeters;
  readonly audio: BenchmarkAudio;
}

/** Makes one run on a model. */
type RunOn = (model: SpeechModel) => Promise<RunRecord>;

/**
 * A cell that runs this engine in this process: transcribe() on the samples, or encode() on a mel spectrogram that is
 * computed once (for silence it is zeros).
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
  const exactTokens = exactTokensOf(plan, info, audio);
  const mel = plan.mode === 'encoder' ? await melOf(model, audio, signal) : null;
  const runOn: RunOn =
    mel === null
      ? pipelineRun(plan, exactTokens, { meters, audio }, signal)
      : encoderRun(mel, meters, signal);
  return {
    facts: {
      model: info,
      exactTokens,
      durationMs: audio.durationMs,
      frames: mel === null ? Math.floor(audio.samples.length / 160) : mel.frames,
      setup: {
        loadMs,
        audioDecodeMs: audio.path === null ? null : audio.decodeMs,
        resampleMs: audio.path === null ? null : audio.resampleMs,
        memory,
      },
      notes: info.synthetic
        ? [randomWeightsNote(plan.mode, exactTokens, plan.exactTokens === undefined)]
        : [],
    },
    run: async () => {
      const { model, fresh } = await pool.get(choice, signal === undefined ? {} : { signal });
      // It had to give way to another one: bring it back to the state after the warm-up.
      if (fresh) await runOn(model);
      return runOn(model);
    },
    work: (run) =>
      workOfRun(info, { ...sizeOf(run), frames: mel?.frames ?? Math.floor(audio.samples.length / 160) }),
    measureCeilings: async () => {
      const { model } = await pool.get(choice, signal === undefined ? {} : { signal });
      return model.measureCeilings();
    },
    close: async () => {}, // the pool closes its models
  };
}

function pipelineRun(
  { language }: ModelCellPlan,
  exactTokens: number | null,
  { meters, audio }: Pick<ModelCellParts, 'meters' | 'audio'>,
  signal: AbortSignal | undefined,
): RunOn {
  const options = {
    ...(exactTokens !== null && { exactTokens }),
    ...(language !== undefined && { language }),
    ...(signal !== undefined && { signal }),
    onPhaseEnd: meters.memory.mark.bind(meters.memory),
  };
  return async (model) => {
    const observed = await meters.observe(() => model.transcribe(audio.samples, options).result);
    return recordTranscript(observed, model.info);
  };
}

function encoderRun(mel: Mel, meters: RunMeters, signal: AbortSignal | undefined): RunOn {
  const options = {
    ...(signal !== undefined && { signal }),
    onPhaseEnd: meters.memory.mark.bind(meters.memory),
  };
  return async (model) => recordEncoding(await meters.observe(() => model.encode(mel, options)));
}

function exactTokensOf(plan: ModelCellPlan, info: ModelInfo, audio: BenchmarkAudio): number | null {
  if (plan.mode === 'encoder') return null;
  return plan.exactTokens ?? (info.synthetic ? syntheticTokens(audio.durationMs) : null);
}

async function melOf(
  model: SpeechModel,
  { path, samples }: BenchmarkAudio,
  signal: AbortSignal | undefined,
): Promise<Mel> {
  return path === null ? zeroMel(samples.length) : model.melSpectrogram(samples, signal);
}

/** A mel of zeros for silence of `sampleCount` samples at 16 kHz: a frame every 160 samples, 128 bins each. */
function zeroMel(sampleCount: number): Mel {
  const frames = Math.floor(sampleCount / 160);
  return { data: new Float32Array(128 * frames), bins: 128, frames };
}

function sizeOf({ audioTokens, promptTokens, tokens }: RunRecord) {
  return { audioTokens: audioTokens ?? 0, promptTokens, tokens };
}

function randomWeightsNote(mode: BenchmarkMode, exactTokens: number | null, isDefault: boolean): string {
  if (mode === 'encoder') return 'the weights are random';
  const origin = isDefault ? '3 a second of audio; --tokens changes it' : '--tokens';
  return `random weights: the text is meaningless; every run decodes ${exactTokens} tokens (${origin})`;
}
