import { randomUUID } from 'node:crypto';
import { joinTexts } from '../../text/joinTexts.js';
import type { RecordingTranscript } from '../../transcribe/formats/recordingTranscript.js';
import { openUpload, transcribeUpload, type UploadTranscript } from '../engine/transcribeUpload.js';
import { EventStream } from '../http/eventStream.js';
import { readJson } from '../http/readJson.js';
import type { RequestScope } from '../http/requestScope.js';
import { withWork } from '../http/withUpload.js';
import type { RequestContext, ServerContext } from '../serverContext.js';
import { type ChatRequest, readChatRequest } from './chatRequest.js';
import { OrderedText } from './orderedText.js';
import { tokenUsage } from './transcriptionAnswer.js';
import { checkModelName } from './transcriptionRequest.js';

/** A budget that no caller reaches is left to the engine, which knows the length of the audio. */
const LARGEST_BUDGET = 512;

/**
 * `POST /v1/chat/completions` with a recording. The answer's content is what the model wrote, as others serve it:
 * `language English<asr_text>Good morning.`
 */
export function postChat(server: ServerContext, { env }: RequestContext): Promise<Response> {
  return withWork(server, env.outgoing, async (scope, keep) => {
    const request = readChatRequest(await readJson(env.incoming, server.settings, scope.signal));
    checkModelName(request.model, server.settings.modelNames);
    const file = await server.spool.create();
    keep(file);
    await file.write(request.audio);
    await file.close();
    const run = runner(server, file.path, request, scope);
    return request.stream ? streamed(run, request, scope) : answered(run, request);
  });
}

type Run = (text: OrderedText) => Promise<UploadTranscript>;

function runner(server: ServerContext, path: string, request: ChatRequest, { signal }: RequestScope): Run {
  const { context, maxTokens } = request;
  return async (text) =>
    transcribeUpload(server, await openUpload(server, path, signal), {
      context,
      maxTokens: maxTokens !== undefined && maxTokens < LARGEST_BUDGET ? maxTokens : undefined,
      onToken: (token) => text.push(token),
      onSegment: ({ index }) => text.end(index),
      signal,
    });
}

/** The first segment as the model wrote it, language included; of the others their texts. */
function contentOf({ segments: [first, ...others] }: RecordingTranscript): string {
  return first === undefined ? '' : joinTexts([first.raw, ...others.map(({ text }) => text)]);
}

async function answered(run: Run, request: ChatRequest) {
  const upload = await run(new OrderedText());
  const { transcript } = upload;
  const message = { role: 'assistant', content: contentOf(transcript) };
  const choice = { index: 0, message, finish_reason: finishReason(transcript) };
  const body = { ...identity(request, 'chat.completion'), choices: [choice], usage: chatUsage(transcript) };
  return { response: Response.json(body), done: upload };
}

async function streamed(run: Run, request: ChatRequest, scope: RequestScope) {
  const events = new EventStream(scope);
  const chunk = identity(request, 'chat.completion.chunk');
  const send = (delta: object, finish_reason: string | null = null) =>
    events.send({ ...chunk, choices: [{ index: 0, delta, finish_reason }] });
  let isFirst = true;
  const text = new OrderedText(
    ({ piece }) => {
      send(isFirst ? { role: 'assistant', content: piece } : { content: piece });
      isFirst = false;
    },
    ({ segment, rawPiece, textPiece }) => (segment === 0 ? rawPiece : textPiece),
  );
  const done = run(text).then((upload) => {
    send({}, finishReason(upload.transcript));
    if (request.withUsage) events.send({ ...chunk, choices: [], usage: chatUsage(upload.transcript) });
    events.send('[DONE]');
    events.end();
    return upload;
  });
  done.catch((error) => events.fail(scope.reasonFor(error)));
  await events.begun;
  return { response: events.response({}), done };
}

function identity({ model }: ChatRequest, object: string) {
  return { id: `chatcmpl-${randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model };
}

function finishReason({ truncated }: RecordingTranscript): 'stop' | 'length' {
  return truncated ? 'length' : 'stop';
}

function chatUsage(transcript: RecordingTranscript) {
  const { input_tokens, output_tokens, total_tokens } = tokenUsage(transcript);
  return { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens };
}
