import type { IncomingMessage } from 'node:http';
import { ApiError } from '../apiError.js';
import type { BodyLimits } from './readForm.js';

/** A JSON body is held in memory, unlike a form. */
const MAX_JSON_BYTES = 96 * 2 ** 20;

/**
 * Reads a body of JSON.
 *
 * @throws ApiError 400 for what is no object, 408, 413
 */
export async function readJson(
  request: IncomingMessage,
  { maxBytes, idleTimeoutMs }: BodyLimits,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const limit = Math.min(maxBytes, MAX_JSON_BYTES);
  const text = await readText(request, limit, idleTimeoutMs, signal);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ApiError(400, 'expected a body of JSON', { reason: 'invalid_json', cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new ApiError(400, 'expected an object as body', { reason: 'invalid_json' });
}

function readText(
  request: IncomingMessage,
  maxBytes: number,
  idleTimeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const fail = (error: unknown): void => {
      clearTimeout(idle);
      reject(error);
    };
    const idle = setTimeout(() => {
      fail(new ApiError(408, 'the body did not come in time', { reason: 'timeout' }));
    }, idleTimeoutMs);
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
    request
      .on('data', (piece: Buffer) => {
        idle.refresh();
        bytes += piece.length;
        if (bytes <= maxBytes) pieces.push(piece);
        else
          fail(
            new ApiError(413, `the body is too large: expected at most ${maxBytes} bytes`, {
              reason: 'too_large',
            }),
          );
      })
      .on('end', () => {
        clearTimeout(idle);
        resolve(Buffer.concat(pieces).toString('utf8'));
      })
      .on('error', fail)
      .on('close', () => {
        if (!request.complete)
          fail(new ApiError(400, 'the body ended before its end', { reason: 'incomplete_body' }));
      });
  });
}
