import { availableParallelism } from 'node:os';
import { crowdingNote } from '../bench/text/classicText.js';
import { QwenAsrError } from '../error.js';
import { isCueFormat } from '../transcribe/formats/transcriptFormat.js';
import { loadModel } from '../transcribe/loadModel.js';
import type { Aligner, SpeechModel, TranscribeLongOptions } from '../transcribe/types.js';
import { checkLanguage, chosenModel } from './chosenModel.js';
import { answersStandard, loadOptionsOf } from './commonOptions.js';
import { findInputs, type Inputs } from './inputRecordings.js';
import { liveCommand } from './live/liveCommand.js';
import { alignerSourceOf, openAligner } from './openAligner.js';
import { checkSink, formatsOf, openSink } from './openSink.js';
import { parseOptions } from './options.js';
import { LiveTranscript } from './resultSinks.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import {
  missingOption,
  TRANSCRIBE_OPTIONS,
  type TranscribeValues,
  transcribeUsage,
} from './transcribeOptions.js';
import { transcribeRecordings } from './transcribeRecordings.js';
import { TranscriptionReporter } from './transcriptionReporter.js';
import { withoutHabits } from './whisperHabits.js';

/** `qwen_asr -d DIR -i FILE…`: speech to text. */
export async function transcribeCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(
    TRANSCRIBE_OPTIONS,
    withoutHabits(TRANSCRIBE_OPTIONS, context.args),
    Number.POSITIVE_INFINITY,
  );
  if (answersStandard(values, transcribeUsage, context)) return EXIT.ok;
  if (values.stream || values.mic) return liveCommand(values, positionals, context);
  checkLiveOptions(values);
  const { input = [] } = values;
  const source = chosenModel(values.model);
  if (source === null) throw missingOption('-d', 'a model directory', '`qwen_asr pull 0.6b` fetches one, ');
  if (input.length + positionals.length === 0) throw missingOption('-i', 'a recording');
  checkLanguage(values.language, source);
  const alignerSource = alignerSourceOf(values);
  const inputs = await findInputs([...input, ...positionals]);
  checkSink(values, inputs, source);
  if (values['output-dir'] !== undefined || formatsOf(values).length > 1) context.outliveReader?.();
  const model = await openModel(source, values, context, inputs);
  try {
    const aligner = model === undefined ? null : await openAligner(alignerSource, values, context);
    try {
      return await transcribeAll(model, inputs, values, { ...context, aligner });
    } finally {
      await aligner?.close();
    }
  } finally {
    await model?.close();
  }
}

/** Options that mean nothing for recordings that are there as a whole. */
function checkLiveOptions(values: TranscribeValues): void {
  for (const name of ['raw', 'pace', 'chunk', 'save'] as const) {
    if (values[name] === undefined) continue;
    throw new QwenAsrError('usage', `--${name}: is for text while it is spoken, expected --stream or --mic`);
  }
}

/** The model, unless there is nothing for it to do. */
async function openModel(
  source: string,
  values: TranscribeValues,
  { signal, err }: CommandContext,
  { recordings }: Inputs,
): Promise<SpeechModel | undefined> {
  if (recordings.length === 0) return undefined;
  const model = await loadModel(source, {
    ...loadOptionsOf(values),
    signal,
    onBackend: ({ note, threadCount }) => {
      const shown = note ?? crowdingNote(threadCount, availableParallelism());
      if (shown !== null) err(`note: ${shown}\n`);
    },
  });
  for (const note of model.info.notes) err(`note: ${note}\n`);
  return model;
}

async function transcribeAll(
  model: SpeechModel | undefined,
  inputs: Inputs,
  values: TranscribeValues,
  context: CommandContext & { readonly aligner: Aligner | null },
): Promise<ExitCode> {
  const { sink, progress } = openSink(values, inputs, context);
  const reporter = new TranscriptionReporter(sink, inputs, context, progress);
  try {
    for (const { input, error } of inputs.failures) reporter.failedInput(input, error);
    if (model !== undefined) {
      const live = sink instanceof LiveTranscript ? sink : undefined;
      const options = longOptionsOf(values, context.signal, context.aligner);
      const watched = live === undefined ? options : { ...options, onToken: live.token.bind(live) };
      await transcribeRecordings(model, inputs.recordings, watched, reporter);
    }
  } finally {
    reporter.close();
  }
  return reporter.failures === 0 ? EXIT.ok : EXIT.error;
}

function longOptionsOf(
  values: TranscribeValues,
  signal: AbortSignal,
  aligner: Aligner | null,
): TranscribeLongOptions {
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
    ...(aligner !== null && { timestamps: 'word', aligner, longestMs: aligner.info.maxMs }),
    ...(cuesFromPauses(values) && CUE_SEGMENTS),
  };
}

/** Of cues without times of words: speech between pauses of half a second, in which the words share the time. */
const CUE_SEGMENTS = { segmentMs: 12_000, vad: { silenceMs: 500 } } as const;

/** Whether there will be cues, and nobody has said how the recording is to be cut. */
function cuesFromPauses(values: TranscribeValues): boolean {
  if (values.segment !== undefined || values.vad || values['skip-silence']) return false;
  if (values.timestamps === 'word') return false;
  return formatsOf(values).some(isCueFormat);
}
