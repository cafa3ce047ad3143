import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server';
import type { Hono } from 'hono';
import { fileError, QwenAsrError } from '../error.js';
import type { Aligner, BatchOptions, SpeechModel } from '../transcribe/types.js';
import { makeApp } from './app.js';
import { Admission } from './engine/admission.js';
import { openAdmittedMemory } from './engine/admittedMemory.js';
import { Access } from './http/access.js';
import { Spool } from './http/spool.js';
import type { JobQueue } from './jobs/jobQueue.js';
import { RealtimeSessions } from './realtime/realtimeRoute.js';
import type { NodeBindings, ServerContext } from './serverContext.js';
import { ServerMetrics } from './serverMetrics.js';
import type { ServeSettings } from './serveSettings.js';

/** Time for the headers of a request; its body has its own limits. */
const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 5000;
const MAX_HEADER_BYTES = 16_384;

/** A server that answers. */
export interface OpenedServer {
  /** Such as `http://127.0.0.1:8000`. */
  readonly address: string;
  /**
   * Lets nobody in any more, waits for those that are, as long as the settings allow, then ends them with an error.
   *
   * @returns how many were ended
   */
  drain(): Promise<number>;
}

/** What a server may have beside its model. */
export interface ServerExtras {
  /** Tells when words are spoken; the caller's to close. */
  readonly aligner?: Aligner | null;
  /** Is told what its owner should know. */
  readonly onNote?: (note: string) => void;
}

/**
 * Serves a model.
 *
 * @throws QwenAsrError `file` for a spool, a certificate or an address that cannot be used; `memory`; `network` and
 * `unsupported` for a queue
 * @example
 * const server = await openServer(model, { ...DEFAULT_SERVE_SETTINGS, modelNames: ['demo'] });
 * console.log(server.address);
 * await server.drain();
 */
export async function openServer(
  model: SpeechModel,
  settings: ServeSettings,
  { aligner = null, onNote = () => {} }: ServerExtras = {},
): Promise<OpenedServer> {
  const spool = new Spool(settings.spoolFolder, settings.spoolBytes);
  const metrics = new ServerMetrics();
  const onDecodeStep: BatchOptions['onDecodeStep'] = (ms, rows) => metrics.onDecodeStep(ms, rows);
  let jobs: JobQueue | null = null;
  try {
    jobs = await openJobs(settings, onNote);
    const { sequences, memoryBytes } = settings;
    const wanted = { sequences, memoryBytes, sessions: settings.realtime.sessions };
    const { batch, sessions, note } = await openAdmittedMemory(model, wanted, onDecodeStep);
    if (note !== null) onNote(note);
    const admission = new Admission(batch.load.sequences + settings.maxWaiting);
    metrics.watch(batch, admission, spool);
    if (jobs !== null) metrics.watchJobs(jobs);
    const stopping = new AbortController();
    setMaxListeners(0, stopping.signal); // every request in flight listens
    const createdS = Math.floor(Date.now() / 1000);
    const shared = { spool, jobs, metrics, batch, admission, shutdown: stopping.signal };
    const context: ServerContext = { ...shared, model: model.info, aligner, settings, createdS };
    const realtime = new RealtimeSessions(model, context, sessions);
    const app = makeApp(context, new Access(settings), realtime);
    const server = makeServer(settings, app.fetch, realtime);
    await listen(server, settings);
    const drain = async (): Promise<number> => {
      const idle = Promise.all([admission.close(), realtime.finish()]);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const late = await Promise.race([
        idle.then(() => 0),
        afterMs(settings.drainTimeoutMs, () => admission.count + realtime.count),
      ]);
      stopping.abort();
      realtime.terminate();
      if (late > 0) await idle;
      await Promise.race([closed, afterMs(1000, () => {})]);
      server.closeAllConnections();
      await batch.close();
      await context.jobs?.close();
      spool.remove();
      return late;
    };
    return { address: addressOf(server, settings), drain };
  } catch (error) {
    await jobs?.close();
    spool.remove();
    throw error;
  }
}

/** A queue's packages are loaded only where there is one. */
async function openJobs(
  { queue, spoolFolder, spoolBytes }: ServeSettings,
  onNote: (note: string) => void,
): Promise<JobQueue | null> {
  if (queue === null || spoolFolder === null) return null;
  const { JobQueue } = await import('./jobs/jobQueue.js');
  return JobQueue.open({ ...queue, spoolFolder, spoolBytes, onNote });
}

function makeServer(
  { tls, host }: ServeSettings,
  fetch: Hono<NodeBindings>['fetch'],
  { sockets }: RealtimeSessions,
): Server {
  const limits = {
    requestTimeout: 0, // Node's own is 300 s for the whole request
    headersTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
  const adaptor = { fetch: fetch as Parameters<typeof createAdaptorServer>[0]['fetch'], hostname: host };
  const websocket = { server: sockets as unknown as WebSocketServerLike };
  if (tls === null) return createAdaptorServer({ ...adaptor, websocket, serverOptions: limits }) as Server;
  const serverOptions = { ...limits, cert: readPem(tls.certPath), key: readPem(tls.keyPath) };
  return createAdaptorServer({
    ...adaptor,
    websocket,
    createServer: createTlsServer,
    serverOptions,
  }) as Server;
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

function listen(server: Server, { host, port }: ServeSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const found = cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message;
      reject(new QwenAsrError('file', `${host}:${port}: cannot listen there: ${found}`, { cause }));
    });
    server.listen(port, host, () => resolve());
  });
}

function addressOf(server: Server, { host, tls }: ServeSettings): string {
  const { port } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return `${tls === null ? 'http' : 'https'}://${name}:${port}`;
}

function afterMs<T>(ms: number, read: () => T): Promise<T> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(read()), ms).unref();
  });
}
