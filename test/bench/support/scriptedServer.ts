import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server does with the next request for a transcription. */
export type Script = (answer: ServerResponse, request: IncomingMessage, form: string) => unknown;

/** A server that does what tests say. */
export interface ScriptedServer {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  /** Headers of all requests. */
  readonly headers: readonly IncomingMessage['headers'][];
  script: Script;
  /** Nobody listens any more, and what is open is cut. */
  kill(): void;
}

/** JSON with a text, as the API answers. */
export const answerText =
  (text: string): Script =>
  (answer) =>
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ text }));

/** Events as the API streams them. */
export function sendEvents(answer: ServerResponse, ...events: readonly object[]): void {
  if (!answer.headersSent) answer.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) answer.write(`data: ${JSON.stringify(event)}\n\n`);
}

/** Listens on a port of its own, lists one model, and answers with `script`. */
export async function startScriptedServer(script: Script = answerText('a')): Promise<ScriptedServer> {
  const headers: IncomingMessage['headers'][] = [];
  const server = createServer(async (request, answer) => {
    headers.push(request.headers);
    if (request.url?.endsWith('/models')) {
      answer.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[{"id":"scripted"}]}');
      return;
    }
    let form = '';
    for await (const chunk of request.setEncoding('latin1')) form += chunk;
    scripted.script(answer, request, form);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const scripted: ScriptedServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers,
    script,
    kill: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return scripted;
}
