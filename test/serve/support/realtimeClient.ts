import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type ClientOptions, WebSocket } from 'ws';
import { loadWav } from '../../../src/index.js';
import { demoModelDir } from '../../support/projectRoot.js';

/** What the tests look at of an event. */
export interface RealtimeEvent {
  readonly type: string;
  readonly item_id?: string;
  readonly transcript?: string;
  readonly delta?: string;
  readonly words?: readonly { readonly word: string; readonly start: number; readonly end: number }[];
  readonly session?: { readonly type: string };
  readonly error?: { readonly code: string; readonly param: string; readonly event_id: string };
}

/** A client that keeps what it hears. */
export class RealtimeClient {
  readonly socket: WebSocket;
  readonly events: RealtimeEvent[] = [];
  #changed: () => void = () => {};

  constructor(address: string, options: { protocols?: string[] } & ClientOptions = {}) {
    const { protocols = [], ...others } = options;
    const url = `${address.replace('http', 'ws')}/v1/realtime?intent=transcription`;
    this.socket = new WebSocket(url, protocols, others);
    this.socket.on('message', (data) => {
      this.events.push(JSON.parse(String(data)));
      this.#changed();
    });
    this.socket.on('close', () => this.#changed());
  }

  send(event: object): void {
    this.socket.send(JSON.stringify(event));
  }

  /** Waits for the next event of a type that has not been waited for. */
  async next(type: string): Promise<RealtimeEvent> {
    for (;;) {
      const at = this.events.findIndex((event) => event.type === type);
      if (at >= 0) return this.events.splice(at, 1)[0]!;
      assert.ok(this.socket.readyState <= WebSocket.OPEN, `closed while waiting for ${type}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

/** PCM of 24 kHz in base64, in pieces of 100 ms, silence behind it. */
export async function spoken(name: string, silenceMs: number): Promise<string[]> {
  const { samples } = await loadWav(join(demoModelDir, 'samples', `${name}.wav`));
  const whole = new Float32Array(samples.length + silenceMs * 16);
  whole.set(samples);
  const resampled = upsample(whole);
  const bytes = Buffer.alloc(2 * resampled.length);
  for (const [i, sample] of resampled.entries()) bytes.writeInt16LE(Math.round(sample * 32_767), 2 * i);
  return piecesOf(bytes, 4800);
}

/** So many bytes each, in base64. */
export function piecesOf(bytes: Buffer, length: number): string[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length).toString('base64'),
  );
}

/** From 16 to 24 kHz: every second sample lies between two. */
function upsample(samples: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.floor((samples.length * 3) / 2) }, (_, i) => {
    const at = (i * 2) / 3;
    const left = Math.floor(at);
    const share = at - left;
    return (1 - share) * samples[left]! + share * (samples[left + 1] ?? 0);
  });
}
