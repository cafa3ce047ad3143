import type { SpeechModel, TranscribeOptions } from '../transcribe/types.js';
import type { BenchmarkAudio } from './benchmarkAudio.js';
import { type BenchmarkPlan, syntheticTokens } from './benchmarkPlan.js';
import type {
  BenchmarkResult,
  BenchmarkSubject,
  EncoderResult,
  EncoderRun,
  PipelineResult,
  PipelineRun,
} from './benchmarkResult.js';

/** Who watches a benchmark. Called between runs only, so that it costs the measurements nothing. */
export interface BenchmarkWatcher {
  readonly signal?: AbortSignal;
  /** Everything is ready and the warm-up begins; the result has no samples yet. */
  readonly onStart?: (result: BenchmarkResult) => void;
  /** A run ended; it is the result's last sample. */
  readonly onRun?: (result: BenchmarkResult) => void;
}

/**
 * One uncounted warm-up, then the planned number of runs, each on the same audio. An abort ends it early with the
 * runs that were finished.
 *
 * @throws QwenAsrError what the model throws, aborts in the loop excepted.
 *
 * @example
 * const result = await runBenchmark(model, plan, await loadBenchmarkAudio(plan.audio), {});
 */
export async function runBenchmark(
  model: SpeechModel,
  plan: BenchmarkPlan,
  audio: BenchmarkAudio,
  watcher: BenchmarkWatcher,
): Promise<BenchmarkResult> {
  const subject = {
    runs: plan.runs,
    audioPath: audio.path,
    durationMs: audio.durationMs,
    model: model.info,
  };
  return plan.mode === 'encoder'
    ? benchmarkEncoder(model, subject, audio, watcher)
    : benchmarkPipeline(model, subject, plan, audio, watcher);
}

type Subject = Omit<BenchmarkSubject, 'notes'>;

async function benchmarkPipeline(
  model: SpeechModel,
  subject: Subject,
  plan: BenchmarkPlan,
  audio: BenchmarkAudio,
  watcher: BenchmarkWatcher,
): Promise<PipelineResult> {
  const synthetic = model.info.synthetic;
  const exactTokens = plan.exactTokens ?? (synthetic ? syntheticTokens(audio.durationMs) : null);
  const samples: PipelineRun[] = [];
  const result: PipelineResult = {
    mode: 'pipeline',
    ...subject,
    notes: synthetic ? [pipelineNote(exactTokens, plan.exactTokens === undefined)] : [],
    exactTokens,
    samples,
    interrupted: false,
  };
  const options: TranscribeOptions = {
    ...(exactTokens !== null && { exactTokens }),
    ...(watcher.signal && { signal: watcher.signal }),
  };
  const run = () => runPipeline(model, audio.samples, options);
  return { ...result, interrupted: await measure(result, samples, run, watcher) };
}

async function benchmarkEncoder(
  model: SpeechModel,
  subject: Subject,
  audio: BenchmarkAudio,
  watcher: BenchmarkWatcher,
): Promise<EncoderResult> {
  const { signal } = watcher;
  const mel =
    audio.path === null
      ? zeroMel(audio.samples.length)
      : await model.melSpectrogram(audio.samples, ...(signal ? [signal] : []));
  const samples: EncoderRun[] = [];
  const result: EncoderResult = {
    mode: 'encoder',
    ...subject,
    notes: model.info.synthetic ? ['the weights are random'] : [],
    frames: mel.frames,
    samples,
    interrupted: false,
  };
  const run = async (): Promise<EncoderRun> => {
    const startMs = performance.now();
    const { tokens, timings } = await model.encode(mel, signal ? { signal } : {});
    return { encodeMs: performance.now() - startMs, tokens, timings };
  };
  return { ...result, interrupted: await measure(result, samples, run, watcher) };
}

/** The warm-up and the runs; true when the watcher's signal ended them early. */
async function measure<Run>(
  result: BenchmarkResult,
  samples: Run[],
  run: () => Promise<Run>,
  { signal, onStart, onRun }: BenchmarkWatcher,
): Promise<boolean> {
  onStart?.(result);
  try {
    await run();
    while (samples.length < result.runs && signal?.aborted !== true) {
      samples.push(await run());
      onRun?.(result);
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
  return signal?.aborted === true;
}

async function runPipeline(
  model: SpeechModel,
  samples: Float32Array,
  options: TranscribeOptions,
): Promise<PipelineRun> {
  const startMs = performance.now();
  const { text, language, tokenIds, textTokenCount, timings } = await model.transcribe(samples, options)
    .result;
  return {
    totalMs: performance.now() - startMs,
    encodeMs: timings.melMs + timings.convStemMs + timings.encoderLayersMs,
    decodeMs: timings.prefillMs + timings.decodeMs,
    tokens: textTokenCount,
    language,
    text,
    tokenIds,
    timings,
  };
}

/** A mel of zeros for silence of `sampleCount` samples at 16 kHz: a frame every 160 samples, 128 bins each. */
function zeroMel(sampleCount: number) {
  const frames = Math.floor(sampleCount / 160);
  return { data: new Float32Array(128 * frames), bins: 128, frames } as const;
}

function pipelineNote(exactTokens: number | null, isDefault: boolean): string {
  const origin = isDefault ? '3 a second of audio; --tokens changes it' : '--tokens';
  return `random weights: the text is meaningless; every run decodes ${exactTokens} tokens (${origin})`;
}
