import { upgradeWebSocket } from '@hono/node-server';
import type { Context } from 'hono';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SpeechModel } from '../../transcribe/types.js';
import { ApiError, badField } from '../apiError.js';
import { checkModelName } from '../openai/transcriptionRequest.js';
import type { ServerContext } from '../serverContext.js';
import { RealtimeSession } from './realtimeSession.js';

/** Bytes of one message. */
const MAX_MESSAGE_BYTES = 2 ** 22;

/** The sub-protocol that the API's clients name beside their key. */
const PROTOCOL = 'realtime';

/** `/v1/realtime`: sessions of live transcription. */
export class RealtimeSessions {
  readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    // A key that came as a sub-protocol must not go back.
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  readonly #model: SpeechModel;
  readonly #server: ServerContext;
  readonly #sessions = new Map<WebSocket, RealtimeSession>();
  readonly #idleTimeoutMs: number;
  readonly #mostSessions: number;

  /** @param sessions at a time, as the memory holds them */
  constructor(model: SpeechModel, server: ServerContext, sessions: number) {
    this.#model = model;
    this.#server = server;
    this.#mostSessions = sessions;
    this.#idleTimeoutMs = Math.max(server.settings.idleTimeoutMs, 2 * server.settings.realtime.pingMs);
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** The handler of an upgrade. */
  readonly handle = upgradeWebSocket((context: Context) => {
    this.#check(new URL(context.req.url).searchParams);
    return {
      onOpen: (_, { raw }) => this.#begin(raw as WebSocket),
      onMessage: ({ data }, { raw }) => this.#sessions.get(raw as WebSocket)?.take(data),
      onClose: (_, { raw }) => this.#end(raw as WebSocket),
    };
  });

  /** Tells what was said so far and closes all sessions. */
  async finish(): Promise<void> {
    const open = [...this.#sessions];
    await Promise.all(open.map(([, session]) => session.finish().catch(() => {})));
    for (const [socket] of open) socket.close(1001, 'the server is shutting down');
  }

  /** Ends what still goes on. */
  terminate(): void {
    for (const socket of this.#sessions.keys()) socket.terminate();
  }

  #check(query: URLSearchParams): void {
    const { admission, settings } = this.#server;
    const intent = query.get('intent');
    if (intent !== null && intent !== 'transcription') throw badField('intent', 'expected transcription');
    const model = query.get('model');
    if (model !== null && model !== '') checkModelName(model, settings.modelNames);
    if (admission.isClosed)
      throw new ApiError(503, 'the server is shutting down', { reason: 'shutting_down' });
    if (this.#sessions.size < this.#mostSessions) return;
    throw new ApiError(429, `too many sessions: there may be ${this.#mostSessions}`, {
      reason: 'rate_limit_exceeded',
      headers: { 'retry-after': '10' },
    });
  }

  #begin(socket: WebSocket): void {
    const { aligner, settings } = this.#server;
    const { modelNames, realtime } = settings;
    const send = (event: object): void => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > realtime.waitingBytes) socket.terminate();
      else socket.send(JSON.stringify(event));
    };
    this.#sessions.set(socket, new RealtimeSession({ model: this.#model, aligner, modelNames, send }));
    this.#watch(socket);
  }

  /** A client that answers no ping, or says nothing for long, is gone. */
  #watch(socket: WebSocket): void {
    let isAlive = true;
    let heardMs = performance.now();
    socket.on('pong', () => {
      isAlive = true;
    });
    socket.on('message', () => {
      heardMs = performance.now();
    });
    const timer = setInterval(() => {
      if (!isAlive) return socket.terminate();
      if (performance.now() - heardMs > this.#idleTimeoutMs)
        return socket.close(1000, 'nothing was said for long');
      isAlive = false;
      return socket.ping();
    }, this.#server.settings.realtime.pingMs);
    socket.on('close', () => clearInterval(timer));
  }

  #end(socket: WebSocket): void {
    const session = this.#sessions.get(socket);
    this.#sessions.delete(socket);
    void session?.close().catch(() => {});
  }
}
