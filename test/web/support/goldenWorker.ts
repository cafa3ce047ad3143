import { decodeWav, joinTexts, loadModelFromFiles, type SpeechModel } from '../../../src/browser.js';
import { relativeRms } from '../../support/relativeRms.js';
import { DEMO_CLIPS, type GoldenClip, STAGES } from '../../transcribe/support/goldenClips.js';

/*
 * The program of a browser's worker that uses the library's browser entry as it is compiled, without a bundler: all
 * goldens, and a long recording in segments. Addresses are those of browserGoldens.test.ts.
 */

/** What the page is told of one golden. */
interface GoldenOutcome {
  readonly name: string;
  /** Relative RMS of each stage against the golden's. */
  readonly stageErrors: Readonly<Record<string, number>>;
  readonly tokenIds: readonly number[];
  readonly raw: string;
  readonly language: string;
  readonly text: string;
  readonly promptTokenCount: number;
  readonly audioTokenCount: number;
}

export interface LongOutcome {
  readonly texts: readonly string[];
  readonly joined: string;
  readonly startsMs: readonly number[];
  readonly durationMs: number;
  /** Most segments that one decode step gave a token to. */
  readonly mostRows: number;
  /** Different segments that tokens came for. */
  readonly segmentsHeard: number;
}

/** Tokens of a directory of integers, by clip. */
interface VariantOutcome {
  readonly name: string;
  readonly precision: string;
  readonly tokens: Readonly<Record<string, readonly number[]>>;
}

export interface WorkerOutcome {
  readonly variants: readonly VariantOutcome[];
  readonly isa: string;
  readonly threads: number;
  readonly goldens: readonly GoldenOutcome[];
  readonly long: LongOutcome;
}

const scope = globalThis as unknown as {
  onmessage: (() => void) | null;
  postMessage(message: WorkerOutcome | { readonly error: string }): void;
};

scope.onmessage = async () => {
  try {
    scope.postMessage(await run());
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) });
  }
};

async function run(): Promise<WorkerOutcome> {
  const model = await loadModelFromFiles(address('/models/demo/'), { threads: 2 });
  try {
    const goldens: GoldenOutcome[] = [];
    for (const clip of DEMO_CLIPS) goldens.push(await runGolden(model, clip));
    const { isa, threads } = model.info;
    return { isa, threads, goldens, long: await runLong(model), variants: await runVariants() };
  } finally {
    await model.close();
  }
}

/** Quantised directories, fetched in parts. */
async function runVariants(): Promise<VariantOutcome[]> {
  const outcomes: VariantOutcome[] = [];
  for (const name of ['mlx-8bit', 'mlx-4bit']) {
    const model = await loadModelFromFiles(address(`/golden/variants/${name}/`), { threads: 2 });
    const tokens: Record<string, readonly number[]> = {};
    for (const wav of ['timer-en.wav', 'weather-de.wav', 'music-es.wav']) {
      const { samples } = decodeWav(await bytesOf(`/golden/variants/${wav}`), wav);
      tokens[wav] = (await model.transcribe(samples).result).tokenIds;
    }
    outcomes.push({ name, precision: model.info.precision, tokens });
    await model.close();
  }
  return outcomes;
}

async function runGolden(model: SpeechModel, { name, options }: GoldenClip): Promise<GoldenOutcome> {
  const folder = `/golden/${name}`;
  const golden = JSON.parse(new TextDecoder().decode(await bytesOf(`${folder}/golden.json`))) as {
    wav: string;
  };
  const samples = await samplesOf(golden.wav);
  const stages = new Map<string, Float32Array>();
  const observer = (stage: string, values: Float32Array) => void stages.set(stage, values);
  await model.transcribe(samples, { ...options, observer }).result;
  const stageErrors: Record<string, number> = {};
  for (const stage of STAGES) {
    const expected = new Float32Array((await bytesOf(`${folder}/${stage}.f32`)).buffer);
    stageErrors[stage] = relativeRms(stages.get(stage)!, expected);
  }
  const { tokenIds, raw, language, text, promptTokenCount, audioTokenCount } = await model.transcribe(
    samples,
    options,
  ).result;
  return { name, stageErrors, tokenIds, raw, language, text, promptTokenCount, audioTokenCount };
}

/** Six copies of seven sentences with pauses: longer than a minute, so it is cut. */
async function runLong(model: SpeechModel): Promise<LongOutcome> {
  const sentences = await samplesOf('morning-en.wav');
  const period = sentences.length + 16_000;
  const samples = new Float32Array(6 * period);
  for (let i = 0; i < 6; i++) samples.set(sentences, i * period);
  const rows: number[] = [];
  const heard = new Set<number>();
  const segments = [];
  const options = {
    segmentMs: 12_000,
    onDecodeStep: (_ms: number, count: number) => void rows.push(count),
    onToken: ({ segment }: { readonly segment: number }) => void heard.add(segment),
  };
  for await (const segment of model.transcribeLong(samples, options)) segments.push(segment);
  const texts = segments.map(({ text }) => text);
  return {
    texts,
    joined: joinTexts(texts),
    startsMs: segments.map(({ startMs }) => startMs),
    durationMs: samples.length / 16,
    mostRows: Math.max(...rows),
    segmentsHeard: heard.size,
  };
}

function address(path: string): URL {
  return new URL(path, import.meta.url);
}

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(address(path));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function samplesOf(wav: string): Promise<Float32Array> {
  return decodeWav(await bytesOf(`/models/demo/samples/${wav}`), wav).samples;
}
