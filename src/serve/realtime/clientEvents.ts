import { QwenAsrError } from '../../error.js';
import { ApiError } from '../apiError.js';

/** What a client of `/v1/realtime` sends. */
export type ClientEvent = Readonly<Record<string, unknown>>;

/** Characters of all events that wait: about a minute of audio in base64. */
const MAX_HELD_CHARACTERS = 2 ** 22;

/** @throws ApiError 400 for a message that is no event */
export function parseEvent(message: unknown): ClientEvent {
  if (typeof message !== 'string') throw new ApiError(400, 'expected an event as text, found bytes');
  let event: unknown;
  try {
    event = JSON.parse(message);
  } catch {
    throw new ApiError(400, 'expected an event as JSON', { reason: 'invalid_json' });
  }
  if (typeof event === 'object' && event !== null && !Array.isArray(event)) return { ...event };
  throw new ApiError(400, 'expected an event as an object', { reason: 'invalid_json' });
}

/** What an error about an event calls it; null for one without a name. */
export function eventId(event: ClientEvent): string | null {
  return typeof event['event_id'] === 'string' ? event['event_id'] : null;
}

/** Events that came while those before them were still being carried out. */
export class HeldEvents {
  readonly #events: { readonly event: ClientEvent; readonly characters: number }[] = [];
  #characters = 0;

  /** @throws QwenAsrError `memory` when too much waits */
  hold(event: ClientEvent, characters: number): void {
    if (this.#characters + characters > MAX_HELD_CHARACTERS) {
      throw new QwenAsrError('memory', 'session: too much waits for an update, so this event was not taken');
    }
    this.#events.push({ event, characters });
    this.#characters += characters;
  }

  /** The one that came first, which waits no more. */
  next(): ClientEvent | undefined {
    const first = this.#events.shift();
    this.#characters -= first?.characters ?? 0;
    return first?.event;
  }
}
