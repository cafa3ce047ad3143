import { badField } from '../apiError.js';
import { transcribeUpload, type UploadTranscript } from '../engine/transcribeUpload.js';
import { EventStream } from '../http/eventStream.js';
import type { RequestScope } from '../http/requestScope.js';
import type { SpoolFile } from '../http/spool.js';
import { withUpload } from '../http/withUpload.js';
import type { RequestContext, ServerContext } from '../serverContext.js';
import { OrderedText } from './orderedText.js';
import { logProbabilitiesOf, tokenUsage, transcriptionAnswer } from './transcriptionAnswer.js';
import {
  checkModelName,
  readTranscriptionRequest,
  type TranscriptionRequest,
} from './transcriptionRequest.js';

/** `POST /v1/audio/transcriptions`. */
export function postTranscription(server: ServerContext, context: RequestContext): Promise<Response> {
  return withUpload(server, context, async ({ fields, file }, scope) => {
    const request = readTranscriptionRequest(fields);
    checkModelName(request.model, server.settings.modelNames);
    if (request.granularities.has('word') && server.aligner === null) {
      throw badField(
        'timestamp_granularities[]',
        'word needs an aligner, and none is loaded',
        'unsupported_value',
      );
    }
    const run = (text: OrderedText) => transcribe(server, file, request, text, scope.signal);
    return request.stream ? streamed(run, request, scope) : answered(run, request);
  });
}

type Run = (text: OrderedText) => Promise<UploadTranscript>;

function transcribe(
  server: ServerContext,
  file: SpoolFile,
  request: TranscriptionRequest,
  text: OrderedText,
  signal: AbortSignal,
): Promise<UploadTranscript> {
  const { language, prompt: context, vad, format, granularities } = request;
  return transcribeUpload(server, file.path, {
    language,
    context,
    vad,
    withSpeechProbability: format === 'verbose_json',
    withWords: granularities.has('word'),
    onToken: (token) => text.push(token),
    onSegment: ({ index }) => text.end(index),
    signal,
  });
}

async function answered(run: Run, request: TranscriptionRequest) {
  const text = new OrderedText();
  const upload = await run(text);
  const { type, body } = transcriptionAnswer(upload, request, text.tokens);
  return {
    response: new Response(body, { headers: { 'content-type': type, ...answerHeaders(request, upload) } }),
    done: upload,
  };
}

async function streamed(run: Run, request: TranscriptionRequest, scope: RequestScope) {
  const events = new EventStream(scope);
  const text = new OrderedText((token) => {
    const logprobs = request.logProbabilities ? { logprobs: logProbabilitiesOf([token]) } : {};
    events.send({ type: 'transcript.text.delta', delta: token.piece, ...logprobs });
  });
  const done = run(text).then((upload) => {
    const logprobs = request.logProbabilities ? { logprobs: logProbabilitiesOf(text.tokens) } : {};
    const usage = tokenUsage(upload.transcript);
    events.send({ type: 'transcript.text.done', text: upload.transcript.text, ...logprobs, usage });
    events.end();
    return upload;
  });
  done.catch((error) => events.fail(scope.reasonFor(error)));
  await events.begun;
  return { response: events.response(answerHeaders(request)), done };
}

/** What has no place in an answer's documented fields. */
function answerHeaders(request: TranscriptionRequest, upload?: UploadTranscript): Record<string, string> {
  const { notes = [], segments = [] } = upload?.transcript ?? {};
  const allNotes = [...notes, ...new Set(segments.flatMap(({ wordNotes = [] }) => wordNotes))];
  return {
    ...(request.temperature > 0 && { 'x-qwen-asr-temperature': '0' }),
    ...(allNotes.length > 0 && { 'x-qwen-asr-notes': allNotes.map(inAscii).join('; ') }),
  };
}

/** Headers hold nothing else. */
function inAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (letter) => (letter === '−' ? '-' : '?'));
}
