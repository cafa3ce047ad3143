import { ApiError } from '../apiError.js';
import type { RequestContext, ServerContext } from '../serverContext.js';
import { checkModelName } from './transcriptionRequest.js';

/** `GET /v1/models`: the one model, by all its names. */
export function getModels({ settings, createdS }: ServerContext, context: RequestContext): Response {
  return context.json({ object: 'list', data: settings.modelNames.map((id) => modelObject(id, createdS)) });
}

/** `GET /v1/models/{id}`; ids of the hub hold a slash, written out or as it is. */
export function getModel({ settings, createdS }: ServerContext, context: RequestContext): Response {
  const id = idOf(new URL(context.req.url).pathname.slice('/v1/models/'.length));
  checkModelName(id, settings.modelNames);
  return context.json(modelObject(id, createdS));
}

function idOf(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new ApiError(400, 'the path is no valid text', { reason: 'invalid_path' });
  }
}

function modelObject(id: string, createdS: number) {
  return { id, object: 'model', created: createdS, owned_by: 'qwen-asr' };
}
