import { openUpload, transcribeUpload, type UploadTranscript } from '../engine/transcribeUpload.js';
import { FormFields } from '../http/formFields.js';
import { withUpload } from '../http/withUpload.js';
import { transcriptionAnswer } from '../openai/transcriptionAnswer.js';
import { RESPONSE_FORMATS } from '../openai/transcriptionRequest.js';
import type { RequestContext, ServerContext } from '../serverContext.js';

/** Fields of whisper.cpp's server that change nothing here: the most probable token is always taken. */
const NEUTRAL = ['temperature', 'temperature_inc', 'best_of', 'beam_size', 'no_timestamps', 'encode'];

/** `POST /inference`, as whisper.cpp's server has it: no model, and `auto` for the language. */
export function postInference(server: ServerContext, context: RequestContext): Promise<Response> {
  return withUpload(server, context, async (form, { signal }) => {
    const fields = new FormFields(form.fields);
    fields.refuseUnknown([...NEUTRAL, 'response_format', 'language', 'prompt', 'vad']);
    const format = fields.word('response_format', RESPONSE_FORMATS) ?? 'json';
    const opened = await openUpload(server, form.file.path, signal);
    const upload = await transcribeUpload(server, opened, {
      language: fields.text('language'),
      context: fields.text('prompt'),
      vad: fields.truth('vad') ? {} : undefined,
      withSpeechProbability: format === 'verbose_json',
      signal,
    });
    return { response: answer(upload, format), done: upload };
  });
}

function answer(upload: UploadTranscript, format: (typeof RESPONSE_FORMATS)[number]): Response {
  if (format === 'json') return Response.json({ text: upload.transcript.text });
  const request = { format, granularities: new Set<never>(), logProbabilities: false };
  const { type, body } = transcriptionAnswer(upload, request, []);
  return new Response(body, { headers: { 'content-type': type } });
}
