import { availableParallelism } from 'node:os';
import { crowdingNote } from '../../bench/text/classicText.js';
import { QwenAsrError } from '../../error.js';
import type { SpeechStream } from '../../transcribe/live/streamTypes.js';
import { loadModel } from '../../transcribe/loadModel.js';
import type { Aligner, SpeechModel } from '../../transcribe/types.js';
import { checkLanguage, chosenModel } from '../chosenModel.js';
import { loadOptionsOf } from '../commonOptions.js';
import { alignerSourceOf, openAligner } from '../openAligner.js';
import { type CommandContext, EXIT, type ExitCode } from '../runCommand.js';
import { terminalColumns } from '../terminalScreen.js';
import { missingOption, type TranscribeValues } from '../transcribeOptions.js';
import { FinishedLines, JsonLines, type LiveReporter, LiveScreen } from './liveReporter.js';
import { type LiveSource, openLiveSource } from './liveSource.js';
import { WavRecording } from './wavRecording.js';

/** Options that say how recordings are transcribed as a whole, and those that only a microphone has a use for. */
const OF_RECORDINGS = [
  'segment',
  'batch',
  'skip-silence',
  'max-tokens',
  'logprobs',
  'output-dir',
  'json',
] as const;

/** `qwen_asr --stream -i FILE`, `qwen_asr --mic`: text while it is spoken. */
export async function liveCommand(
  values: TranscribeValues,
  positionals: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  const source = chosenModel(values.model);
  if (source === null) throw missingOption('-d', 'a model directory', '`qwen_asr pull 0.6b` fetches one, ');
  const input = onlyInput(values, positionals);
  checkCombination(values, input);
  checkLanguage(values.language, source);
  const alignerSource = alignerSourceOf(values);
  if (values.save !== undefined) context.outliveReader?.();
  const model = await loadModel(source, {
    ...loadOptionsOf(values),
    signal: context.signal,
    onBackend: ({ note, threadCount }) => {
      const shown = note ?? crowdingNote(threadCount, availableParallelism());
      if (shown !== null) context.err(`note: ${shown}\n`);
    },
  });
  let aligner: Aligner | null = null;
  try {
    aligner = await openAligner(alignerSource, values, context);
    return await transcribeLive({ model, aligner }, values, input, context);
  } finally {
    await aligner?.close();
    await model.close();
  }
}

function onlyInput(
  { input = [], mic }: TranscribeValues,
  positionals: readonly string[],
): string | undefined {
  const inputs = [...input, ...positionals];
  if (mic && inputs.length > 0) {
    throw new QwenAsrError('usage', `--mic: expected no recording beside it, found ${inputs[0]}`);
  }
  if (mic) return undefined;
  if (inputs.length === 1) return inputs[0];
  if (inputs.length === 0) throw missingOption('-i', 'a recording, or -', '--mic hears the microphone, ');
  throw new QwenAsrError('usage', `--stream: expected one recording, found ${inputs.length}`);
}

function checkCombination(values: TranscribeValues, input: string | undefined): void {
  const flag = values.mic ? '--mic' : '--stream';
  for (const name of OF_RECORDINGS) {
    if (values[name] === undefined) continue;
    throw new QwenAsrError('usage', `${flag}: --${name} is for recordings that are there as a whole`);
  }
  const formats = values.format?.flat() ?? [];
  if (formats.length > 1 || formats.some((format) => format !== 'txt' && format !== 'jsonl')) {
    throw new QwenAsrError('usage', `${flag}: expected -o txt or jsonl, found ${formats.join(',')}`);
  }
  if (values.raw !== undefined && input !== '-') {
    throw new QwenAsrError('usage', '--raw: describes standard input, expected -i - beside it');
  }
}

async function transcribeLive(
  { model, aligner }: { readonly model: SpeechModel; readonly aligner: Aligner | null },
  values: TranscribeValues,
  input: string | undefined,
  context: CommandContext,
): Promise<ExitCode> {
  const { mic = false, raw, pace = 'recording', chunk, language, prompt } = values;
  const source = await openLiveSource({ input, mic, raw, pace }, context.signal);
  const saved = values.save === undefined ? undefined : new WavRecording(values.save, source.sampleRateHz);
  const stream = model.openStream({
    sampleRateHz: source.sampleRateHz,
    coalesce: pace !== 'max',
    signal: context.signal,
    ...(aligner !== null && { timestamps: 'word', aligner }),
    ...(chunk !== undefined && { chunkMs: 1000 * chunk }),
    ...(language !== undefined && { language }),
    ...(prompt !== undefined && { context: prompt }),
  });
  const reporter = openReporter(values, context);
  // The first Ctrl-C ends what is heard, not what is to be written of it.
  const release = mic ? context.onInterrupt?.(() => source.stop()) : undefined;
  try {
    if (mic) context.err('note: listening; Ctrl-C ends\n');
    const written = hear(source, stream, saved, context);
    written.catch(() => stream.close()); // what fails there ends the events too
    await show(stream, reporter, values, context);
    await written;
  } finally {
    release?.();
    source.stop();
    reporter.close();
    saved?.close();
    await stream.close();
  }
  return EXIT.ok;
}

/** Feeds the stream, to the end of the source. */
async function hear(
  source: LiveSource,
  stream: SpeechStream,
  saved: WavRecording | undefined,
  { err }: CommandContext,
): Promise<void> {
  let taken = 0;
  let lost = 0;
  for await (const block of source.blocks) {
    saved?.append(block);
    taken += block.length;
    const written = stream.write(block).catch((error: unknown) => {
      // More than the backlog holds: heard, but never transcribed.
      if (!(error instanceof QwenAsrError && error.code === 'memory')) throw error;
      if (lost === 0)
        err('note: the engine is more than a minute behind; what comes now is not transcribed\n');
      lost += block.length;
    });
    if (source.canWait(taken)) await written;
    else written.catch(() => {});
  }
  await stream.finish();
  if (lost > 0) err(`note: ${Math.round(lost / source.sampleRateHz)} s were not transcribed\n`);
  await source.checkEnd();
}

async function show(
  stream: SpeechStream,
  reporter: LiveReporter,
  { chunk = 2 }: TranscribeValues,
  { err }: CommandContext,
): Promise<void> {
  let lateSteps = 0;
  for await (const event of stream) {
    reporter.event(event);
    lateSteps = event.lagging ? lateSteps + 1 : 0;
    if (lateSteps === 3)
      err(`note: steps take longer than the ${chunk} s of audio they are for, so text comes less often\n`);
  }
}

function openReporter({ format }: TranscribeValues, { out, outIsTerminal }: CommandContext): LiveReporter {
  if (format?.flat().includes('jsonl')) return new JsonLines(out);
  if (!outIsTerminal) return new FinishedLines(out);
  return new LiveScreen(out, () => ({ columns: terminalColumns(), rows: process.stdout.rows || 24 }));
}
