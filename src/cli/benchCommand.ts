import { availableParallelism } from 'node:os';
import { type BenchmarkAudio, loadBenchmarkAudio } from '../bench/benchmarkAudio.js';
import type { BenchmarkPlan } from '../bench/benchmarkPlan.js';
import type { BenchmarkResult } from '../bench/benchmarkResult.js';
import { formatJson } from '../bench/jsonReport.js';
import { runBenchmark } from '../bench/runBenchmark.js';
import {
  formatLoading,
  formatMode,
  formatRun,
  formatSummary,
  formatSystemInfo,
} from '../bench/seedReport.js';
import { loadModel } from '../transcribe/loadModel.js';
import { loadOptionsOf } from './arithmeticOptions.js';
import { BENCH_OPTIONS, benchUsage } from './benchOptions.js';
import { checkModelSource } from './checkModelSource.js';
import { EXIT, type ExitCode } from './exitCodes.js';
import { type OptionValues, parseOptions } from './options.js';
import { decimalNumber } from './optionValues.js';
import type { CommandContext } from './runCommand.js';
import { answersStandard } from './standardOptions.js';
import { version } from './version.js';

/** qwen_asr_bench: measures the engine on silence or on a recording. */
export async function benchCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(BENCH_OPTIONS, context.args);
  if (answersStandard(values, benchUsage, context)) return EXIT.ok;
  if (values.model === undefined) {
    context.err(benchUsage());
    return EXIT.error;
  }
  const plan = planOf(values, values.model);
  checkModelSource(plan.model);
  const audio = await loadBenchmarkAudio(plan.audio);
  const format = values.json ? 'json' : (values.format ?? 'text');
  // With another format stdout holds the data alone.
  const text = format === 'text' ? context.out : context.err;
  const result = await runPlan(plan, audio, context, text);
  text(formatSummary(result));
  if (format === 'json') context.out(formatJson(result, setting()));
  return EXIT.ok;
}

function planOf(values: OptionValues<typeof BENCH_OPTIONS>, model: string): BenchmarkPlan {
  const { input, seconds } = values;
  return {
    mode: values.what === '1' ? 'encoder' : 'pipeline',
    runs: values.runs ?? 5,
    audio:
      input === undefined
        ? { kind: 'silence', seconds: decimalNumber(1, 300, 'seconds')(seconds ?? '5', '-s') }
        : { kind: 'file', path: input },
    model,
    load: loadOptionsOf(values),
    exactTokens: values.tokens,
  };
}

async function runPlan(
  plan: BenchmarkPlan,
  audio: BenchmarkAudio,
  { signal, err }: CommandContext,
  text: (line: string) => void,
): Promise<BenchmarkResult> {
  const model = await loadModel(plan.model, {
    ...plan.load,
    signal,
    onBackend: ({ name, threadCount, note }) => {
      if (note !== null) err(`note: ${note}\n`);
      text(formatSystemInfo(threadCount, availableParallelism()));
      const asked = plan.load.threads ?? 1;
      if (asked > threadCount)
        err(`note: the ${name} backend runs on ${threadCount} thread(s), not ${asked}\n`);
      text(formatLoading(plan.model));
    },
  });
  try {
    if (plan.mode === 'encoder' && plan.exactTokens !== undefined) {
      err('note: --tokens has no effect on the encoder (-w 1)\n');
    }
    return await runBenchmark(model, plan, audio, {
      signal,
      onStart: (result) => text(formatMode(result)),
      onRun: (result) => text(formatRun(result)),
    });
  } finally {
    await model.close();
  }
}

function setting() {
  const { platform, arch } = process;
  return {
    version: version(),
    node: process.version,
    platform: `${platform}-${arch}`,
    cpus: availableParallelism(),
  };
}
