import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** What a session does wrong: with the first audio, or with its first text. */
type Fault = 'error' | 'close' | 'silent' | null;

/** A server of live sessions whose times are known. */
export interface ScriptedRealtime {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly headers: readonly (string | undefined)[];
  fault: Fault;
  /** Of the answer to an upgrade instead; null: sessions are opened. */
  refusal: number | null;
  close(): void;
}

/** Silence after which a segment has ended. */
export const PAUSE_MS = 500;

/**
 * Says a first text with the first chunk that is not silent, sees the end of a segment in 500 ms of silence, and has its text
 * `delayMs` later.
 */
export async function startScriptedRealtime(delayMs: number): Promise<ScriptedRealtime> {
  const headers: (string | undefined)[] = [];
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    headers.push(request.headers.authorization);
    if (server.refusal !== null) socket.end(`HTTP/1.1 ${server.refusal} No\r\ncontent-length: 0\r\n\r\n`);
    else sockets.handleUpgrade(request, socket, head, (client) => answer(client, server, delayMs));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server: ScriptedRealtime = {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    headers,
    fault: null,
    refusal: null,
    close: () => {
      for (const client of sockets.clients) client.terminate();
      http.close();
    },
  };
  return server;
}

function answer(client: WebSocket, server: ScriptedRealtime, delayMs: number): void {
  const send = (type: string, fields: object): void => client.send(JSON.stringify({ type, ...fields }));
  const transcription = 'conversation.item.input_audio_transcription';
  let [heardMs, silentMs, items] = [0, 0, 0];
  let item: string | null = null;
  send('session.created', {});
  const hear = (bytes: Buffer): void => {
    const chunkMs = bytes.length / 48; // 24 kHz of 16 bits
    const isLoud = bytes.some((byte) => byte !== 0);
    if (isLoud && item === null) {
      item = `item ${++items}`;
      send('input_audio_buffer.speech_started', { item_id: item, audio_start_ms: heardMs });
      if (server.fault === 'error') return send('error', { error: { message: 'the model broke' } });
      if (server.fault === 'close') return client.terminate();
      send(`${transcription}.delta`, { item_id: item, delta: 'good ' });
    }
    silentMs = isLoud ? 0 : silentMs + chunkMs;
    heardMs += chunkMs;
    if (item === null || silentMs < PAUSE_MS || server.fault === 'silent') return;
    const ended = item;
    item = null;
    setTimeout(
      () => send(`${transcription}.completed`, { item_id: ended, transcript: 'good morning' }),
      delayMs,
    );
  };
  client.on('message', (data) => {
    const event = JSON.parse(String(data));
    if (event.type === 'session.update') send('session.updated', {});
    if (event.type === 'input_audio_buffer.append') hear(Buffer.from(event.audio, 'base64'));
  });
}
