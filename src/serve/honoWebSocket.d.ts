/*
 * The types of `hono/ws` without those of browsers, which Node's are at odds with (tsconfig.json puts this file in their
 * place): as much of them as the server uses.
 */
import type { Context, MiddlewareHandler } from 'hono';

/** One connection. */
export interface WSContext<T = unknown> {
  readonly raw?: T;
  readonly readyState: number;
  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** What a route does with a connection. */
export interface WSEvents<T = unknown> {
  onOpen?: (event: Event, socket: WSContext<T>) => void;
  onMessage?: (event: { readonly data: unknown }, socket: WSContext<T>) => void;
  onClose?: (event: { readonly code: number }, socket: WSContext<T>) => void;
  onError?: (event: Event, socket: WSContext<T>) => void;
}

export type UpgradeWebSocket<T = unknown, Options = unknown> = (
  createEvents: (context: Context) => WSEvents<T> | Promise<WSEvents<T>>,
  options?: Options,
) => MiddlewareHandler;
