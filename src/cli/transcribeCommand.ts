import { availableParallelism } from 'node:os';
import { crowdingNote } from '../bench/text/crowdingNote.js';
import { QwenAsrError } from '../error.js';
import { loadModel } from '../transcribe/loadModel.js';
import type { SpeechModel, TranscribeLongOptions } from '../transcribe/types.js';
import { loadOptionsOf } from './arithmeticOptions.js';
import { checkLanguage } from './checkLanguage.js';
import { chosenModel } from './chosenModel.js';
import { EXIT, type ExitCode } from './exitCodes.js';
import { findInputs, type Inputs } from './inputRecordings.js';
import { LiveText } from './liveText.js';
import { checkSink, openSink } from './openSink.js';
import { type OptionValues, parseOptions } from './options.js';
import type { CommandContext } from './runCommand.js';
import { answersStandard } from './standardOptions.js';
import { TRANSCRIBE_OPTIONS, transcribeUsage } from './transcribeOptions.js';
import { transcribeRecordings } from './transcribeRecordings.js';
import { TranscriptionReporter } from './transcriptionReporter.js';

type Values = OptionValues<typeof TRANSCRIBE_OPTIONS>;

/** `qwen_asr -d DIR -i FILE…`: speech to text. */
export async function transcribeCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(TRANSCRIBE_OPTIONS, context.args, Number.POSITIVE_INFINITY);
  if (answersStandard(values, transcribeUsage, context)) return EXIT.ok;
  const { input = [] } = values;
  const source = chosenModel(values.model);
  if (source === null) throw missing('-d', 'a model directory', '`qwen_asr pull 0.6b` fetches one, ');
  if (input.length + positionals.length === 0) throw missing('-i', 'a recording');
  checkLanguage(values.language, source);
  const inputs = await findInputs([...input, ...positionals]);
  checkSink(values, inputs, source);
  if (values['output-dir'] !== undefined) context.outliveReader?.();
  const model = await openModel(source, values, context, inputs);
  try {
    return await transcribeAll(model, inputs, values, context);
  } finally {
    await model?.close();
  }
}

function missing(option: string, expected: string, advice = ''): QwenAsrError {
  const hint = 'qwen_asr -h lists the options and has examples';
  return new QwenAsrError('usage', `${option}: expected ${expected}, found none; ${advice}${hint}`);
}

/** The model, unless there is nothing for it to do. */
async function openModel(
  source: string,
  values: Values,
  { signal, err }: CommandContext,
  { recordings }: Inputs,
): Promise<SpeechModel | undefined> {
  if (recordings.length === 0) return undefined;
  return loadModel(source, {
    ...loadOptionsOf(values),
    signal,
    onBackend: ({ note, threadCount }) => {
      const shown = note ?? crowdingNote(threadCount, availableParallelism());
      if (shown !== null) err(`note: ${shown}\n`);
    },
  });
}

async function transcribeAll(
  model: SpeechModel | undefined,
  inputs: Inputs,
  values: Values,
  context: CommandContext,
): Promise<ExitCode> {
  const { sink, progress } = openSink(values, inputs, context);
  const reporter = new TranscriptionReporter(sink, inputs, context, progress);
  try {
    for (const { input, error } of inputs.failures) reporter.failedInput(input, error);
    if (model !== undefined) {
      const live = sink instanceof LiveText ? sink : undefined;
      const options = longOptionsOf(values, context.signal);
      const watched = live === undefined ? options : { ...options, onToken: live.token.bind(live) };
      await transcribeRecordings(model, inputs.recordings, watched, reporter);
    }
  } finally {
    reporter.close();
  }
  return reporter.failures === 0 ? EXIT.ok : EXIT.error;
}

function longOptionsOf(values: Values, signal: AbortSignal): TranscribeLongOptions {
  const { language, prompt, segment, batch } = values;
  const maxTokens = values['max-tokens'];
  return {
    signal,
    ...(language !== undefined && { language }),
    ...(prompt !== undefined && { context: prompt }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(segment !== undefined && { segmentMs: segment === 0 ? Number.POSITIVE_INFINITY : segment * 1000 }),
    ...(batch !== undefined && { batch }),
    ...(values['skip-silence'] && { skipSilence: true }),
    ...(values.vad && { vad: true }),
  };
}
