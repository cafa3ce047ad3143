import { Hono } from 'hono';
import { ApiError, apiErrorOf } from './apiError.js';
import type { Access } from './http/access.js';
import { deleteJob, getJob, postJob } from './jobs/jobRoutes.js';
import { postChat } from './openai/chatRoute.js';
import { getModel, getModels } from './openai/modelRoutes.js';
import { postTranscription } from './openai/transcriptionRoute.js';
import { addPage, PAGE_PATHS } from './page.js';
import type { RealtimeSessions } from './realtime/realtimeRoute.js';
import type { NodeBindings, RequestContext, ServerContext } from './serverContext.js';
import { postInference } from './whisper/inferenceRoute.js';

/** What everybody may read: a load balancer has no key. */
const OPEN_PATHS: ReadonlySet<string> = new Set([...PAGE_PATHS, '/health']);

/** The routes of a server, and who may use them. */
export function makeApp(
  server: ServerContext,
  access: Access,
  realtime: RealtimeSessions,
): Hono<NodeBindings> {
  const app = new Hono<NodeBindings>();
  app.use('*', async (context, next) => {
    const startMs = performance.now();
    const origin = checkAccess(access, context);
    if (context.req.method === 'OPTIONS' && origin !== null) return preflight(origin);
    await next();
    if (origin !== null && context.req.method !== 'GET')
      context.res.headers.set('access-control-allow-origin', origin);
    const route = context.req.routePath;
    server.metrics.requests.inc({ route, status: context.res.status });
    const observe = (): void => {
      server.metrics.requestSeconds.observe({ route }, (performance.now() - startMs) / 1000);
    };
    const isStream = context.res.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (isStream) context.env.outgoing.once('close', observe);
    else observe();
    return undefined;
  });
  app.post('/v1/audio/transcriptions', (context) => postTranscription(server, context));
  app.post('/v1/audio/translations', () => {
    throw new ApiError(400, 'this model does not translate: ask for a transcription', {
      reason: 'unsupported',
    });
  });
  app.post('/v1/chat/completions', (context) => postChat(server, context));
  app.post('/inference', (context) => postInference(server, context));
  app.post('/v1/jobs', (context) => postJob(server, context));
  app.get('/v1/jobs/:id', (context) => getJob(server, context.req.param('id')));
  app.delete('/v1/jobs/:id', (context) => deleteJob(server, context.req.param('id')));
  app.get('/v1/realtime', realtime.handle, () => {
    throw new ApiError(426, 'expected a WebSocket', { headers: { upgrade: 'websocket' } });
  });
  app.get('/v1/models', (context) => getModels(server, context));
  app.get('/v1/models/:id{.+}', (context) => getModel(server, context));
  app.get('/health', (context) => getHealth(server, context));
  app.get('/metrics', async () => {
    const { registry } = server.metrics;
    return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } });
  });
  addPage(app, server);
  app.notFound((context) => {
    const error = new ApiError(404, `there is no ${context.req.method} at that path`, {
      reason: 'not_found',
    });
    return errorResponse(error, context);
  });
  app.onError((error, context) => errorResponse(apiErrorOf(error), context));
  return app;
}

/**
 * @returns the foreign origin that is allowed; null for none
 * @throws ApiError 401, 403
 */
function checkAccess(access: Access, { env, req }: RequestContext): string | null {
  const { headers } = env.incoming;
  access.checkHost(headers);
  const isRead = (req.method === 'GET' || req.method === 'HEAD') && headers.upgrade === undefined;
  const origin = isRead ? null : access.checkOrigin(headers);
  if (req.method !== 'OPTIONS' && !OPEN_PATHS.has(req.path)) access.checkKey(headers);
  return origin;
}

/** The answer to a browser that asks whether a page may send a request. */
function preflight(origin: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'authorization, content-type',
      'access-control-max-age': '600',
    },
  });
}

function getHealth({ admission, batch, settings }: ServerContext, context: RequestContext): Response {
  const status = admission.isClosed ? 'stopping' : 'ok';
  const { decoding, joining, sequences } = batch.load;
  const [model] = settings.modelNames;
  const body = { status, model, requests: admission.count, decoding, joining, sequences };
  return context.json(body, admission.isClosed ? 503 : 200);
}

function errorResponse(error: ApiError, { env }: RequestContext): Response {
  // What is left of a body that nobody reads would hold the connection up.
  const close = env.incoming.complete ? {} : { connection: 'close' };
  const headers = { ...error.headers, ...close };
  return Response.json(error, { status: error.status, headers });
}
