import { decodeWav } from '../audio/decodeWav.js';
import { loadWav } from '../audio/loadWav.js';
import { loadModel } from '../transcribe/loadModel.js';
import type { AudioClip, TranscribeOptions, Transcript, Transcription } from '../transcribe/types.js';
import { loadOptionsOf } from './arithmeticOptions.js';
import { checkModelSource } from './checkModelSource.js';
import { EXIT, type ExitCode } from './exitCodes.js';
import { type OptionValues, parseOptions } from './options.js';
import { readStandardInput } from './readStandardInput.js';
import type { CommandContext } from './runCommand.js';
import { answersStandard } from './standardOptions.js';
import { TRANSCRIBE_OPTIONS, transcribeUsage } from './transcribeOptions.js';
import { formatTranscriptJson } from './transcriptJson.js';

/** `qwen_asr -d DIR -i FILE`: speech to text on standard output. */
export async function transcribeCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(TRANSCRIBE_OPTIONS, context.args);
  if (answersStandard(values, transcribeUsage, context)) return EXIT.ok;
  const { model: source, input } = values;
  if (source === undefined || input === undefined) {
    context.err(transcribeUsage());
    return EXIT.error;
  }
  const { signal, out, err } = context;
  checkModelSource(source);
  const audio = await readAudio(input, signal);
  const model = await loadModel(source, {
    ...loadOptionsOf(values),
    signal,
    onBackend: ({ note }) => {
      if (note !== null) err(`note: ${note}\n`);
    },
  });
  try {
    const transcription = model.transcribe(audio.samples, transcribeOptionsOf(values, signal));
    const live = context.outIsTerminal && !values.json;
    const shown = live ? await showTokens(transcription, out) : '';
    const transcript = await transcription.result;
    if (model.info.synthetic) err('note: the weights are random, so the text is meaningless\n');
    if (transcript.truncated) err(truncationNote(transcript));
    if (values.json) out(formatTranscriptJson(input, transcript, model.info, audio));
    else out(remainingText(transcript.text, shown));
  } finally {
    await model.close();
  }
  return EXIT.ok;
}

async function readAudio(input: string, signal: AbortSignal): Promise<AudioClip> {
  return input === '-' ? decodeWav(await readStandardInput(signal), 'standard input') : loadWav(input);
}

function transcribeOptionsOf(
  values: OptionValues<typeof TRANSCRIBE_OPTIONS>,
  signal: AbortSignal,
): TranscribeOptions {
  const { language, prompt } = values;
  const maxTokens = values['max-tokens'];
  return {
    signal,
    ...(language !== undefined && { language }),
    ...(prompt !== undefined && { context: prompt }),
    ...(maxTokens !== undefined && { maxTokens }),
  };
}

/** Writes the text as it is decoded, without the white space in front of it; returns what was written. */
async function showTokens(transcription: Transcription, out: (text: string) => void): Promise<string> {
  let shown = '';
  for await (const { textPiece } of transcription) {
    const piece = shown === '' ? textPiece.trimStart() : textPiece;
    out(piece);
    shown += piece;
  }
  return shown;
}

/** What completes the output. Parsing may have changed the text (repetitions are collapsed): then all of it, anew. */
function remainingText(text: string, shown: string): string {
  if (shown === '' || shown.trimEnd() === text) return shown === '' ? `${text}\n` : '\n';
  return `\n${text}\n`;
}

function truncationNote({ tokenIds }: Transcript): string {
  return `note: stopped after ${tokenIds.length} tokens, so the text may be incomplete; --max-tokens sets the limit\n`;
}
