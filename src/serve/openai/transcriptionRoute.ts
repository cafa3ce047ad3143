import { type OpenedUpload, openUpload } from '../engine/transcribeUpload.js';
import { EventStream } from '../http/eventStream.js';
import type { RequestScope } from '../http/requestScope.js';
import { type RunningAnswer, withUpload } from '../http/withUpload.js';
import type { RequestContext, ServerContext } from '../serverContext.js';
import { answerHeaders, answerRecording, transcribeAsAsked } from './answerRecording.js';
import { OrderedText } from './orderedText.js';
import { logProbabilitiesOf, tokenUsage } from './transcriptionAnswer.js';
import {
  checkModelName,
  checkWords,
  readTranscriptionRequest,
  type TranscriptionRequest,
} from './transcriptionRequest.js';

/** `POST /v1/audio/transcriptions`. Long recordings go to the queue, where there is one. */
export function postTranscription(server: ServerContext, context: RequestContext): Promise<Response> {
  return withUpload(server, context, async ({ fields, file }, scope) => {
    const arrivedMs = performance.now();
    const onFirstText = (): void => {
      server.metrics.firstTextSeconds.observe((performance.now() - arrivedMs) / 1000);
    };
    const request = readServedRequest(server, fields);
    const opened = await openUpload(server, file.path, scope.signal);
    const { jobs } = server;
    if (jobs !== null && !request.stream && jobs.isForLong(opened.audio.durationMs)) {
      await opened.audio.close();
      const { type, body, headers } = await jobs.transcribe(file, fields, scope.signal);
      return { response: new Response(body, { headers: { 'content-type': type, ...headers } }), done: null };
    }
    const answer = request.stream ? streamed : answered;
    return answer(server, opened, request, scope, onFirstText);
  });
}

/**
 * Reads a request that this server can carry out.
 *
 * @throws ApiError 400, 404
 */
export function readServedRequest(
  { settings, aligner }: ServerContext,
  fields: ReadonlyMap<string, readonly string[]>,
): TranscriptionRequest {
  const request = readTranscriptionRequest(fields);
  checkModelName(request.model, settings.modelNames);
  checkWords(request, aligner);
  return request;
}

async function answered(
  server: ServerContext,
  opened: OpenedUpload,
  request: TranscriptionRequest,
  { signal }: RequestScope,
  onFirstText: () => void,
): Promise<RunningAnswer> {
  const watch = { signal, onFirstText };
  const { type, body, headers, upload } = await answerRecording(server, opened, request, watch);
  return { response: new Response(body, { headers: { 'content-type': type, ...headers } }), done: upload };
}

async function streamed(
  server: ServerContext,
  opened: OpenedUpload,
  request: TranscriptionRequest,
  scope: RequestScope,
  onFirstText: () => void,
): Promise<RunningAnswer> {
  const events = new EventStream(scope);
  const text = new OrderedText((token) => {
    const logprobs = request.logProbabilities ? { logprobs: logProbabilitiesOf([token]) } : {};
    events.send({ type: 'transcript.text.delta', delta: token.piece, ...logprobs });
  });
  const watch = { signal: scope.signal, onFirstText };
  const done = transcribeAsAsked(server, opened, request, text, watch).then((upload) => {
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
