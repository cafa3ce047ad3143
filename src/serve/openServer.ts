import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { freemem } from 'node:os';
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server';
import type { Hono } from 'hono';
import { fileError, QwenAsrError } from '../error.js';
import type {
  Aligner,
  BatchOptions,
  ModelInfo,
  SpeechModel,
  TranscriptionBatch,
} from '../transcribe/types.js';
import { makeApp } from './app.js';
import { Admission } from './engine/admission.js';
import { Access } from './http/access.js';
import { Spool } from './http/spool.js';
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

/**
 * Serves a model.
 *
 * @param aligner what tells when words are spoken; the caller's to close
 * @throws QwenAsrError `file` for a spool, a certificate or an address that cannot be used; `memory`
 * @example
 * const server = await openServer(model, { ...DEFAULT_SERVE_SETTINGS, modelNames: ['demo'] });
 * console.log(server.address);
 * await server.drain();
 */
export async function openServer(
  model: SpeechModel,
  settings: ServeSettings,
  aligner: Aligner | null = null,
): Promise<OpenedServer> {
  const spool = new Spool(settings.spoolFolder, settings.spoolBytes);
  const metrics = new ServerMetrics();
  const onDecodeStep: BatchOptions['onDecodeStep'] = (ms, rows) => metrics.onDecodeStep(ms, rows);
  try {
    const batch = await openBatchInMemory(model, settings.sequences, onDecodeStep);
    const admission = new Admission(batch.load.sequences + settings.queue);
    metrics.watch(batch, admission, spool);
    const stopping = new AbortController();
    setMaxListeners(0, stopping.signal); // every request in flight listens
    const createdS = Math.floor(Date.now() / 1000);
    const shared = { spool, metrics, batch, admission, shutdown: stopping.signal };
    const context: ServerContext = { ...shared, model: model.info, aligner, settings, createdS };
    const realtime = new RealtimeSessions(model, context);
    const app = makeApp(context, new Access(settings), realtime);
    const server = makeServer(settings, app.fetch, realtime);
    await listen(server, settings);
    const drain = async (): Promise<number> => {
      const idle = admission.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const late = await Promise.race([
        idle.then(() => 0),
        afterMs(settings.drainTimeoutMs, () => admission.count),
      ]);
      stopping.abort();
      if (late > 0) await idle;
      await Promise.race([closed, afterMs(1000, () => {})]);
      server.closeAllConnections();
      await batch.close();
      spool.remove();
      return late;
    };
    return { address: addressOf(server, settings), drain };
  } catch (error) {
    spool.remove();
    throw error;
  }
}

/** As many sequences as half of the memory holds, even when all are as long as they can be. */
async function openBatchInMemory(
  model: SpeechModel,
  sequences: number,
  onDecodeStep: BatchOptions['onDecodeStep'],
): Promise<TranscriptionBatch> {
  const options = onDecodeStep === undefined ? {} : { onDecodeStep };
  const batch = model.openBatch({ ...options, sequences });
  const sequenceBytes = batch.load.capacity * positionBytes(model.info);
  const fitting = Math.max(1, Math.floor(freemem() / 2 / sequenceBytes));
  if (fitting >= batch.load.sequences) return batch;
  await batch.close();
  return model.openBatch({ ...options, sequences: fitting });
}

/** What one position takes in the key/value cache of all layers. */
function positionBytes({ decoder, precision }: ModelInfo): number {
  const { layers, kvHeads, headDim } = decoder;
  return 2 * layers * kvHeads * headDim * (precision === 'bf16' ? 2 : 4);
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
