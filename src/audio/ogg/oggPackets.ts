import { QwenAsrError } from '../../error.js';
import type { ByteReader } from '../byteReader.js';
import type { Damage } from '../damage.js';
import { type OggPage, oggPages } from './oggPages.js';

/** The packets that end on one page of the chosen stream. */
export interface OggPackets {
  readonly packets: readonly Uint8Array[];
  /** Whether the first of them begins a stream: another link of a chain, when it is not the first of the file. */
  readonly first: boolean;
  /** Whether the stream ends here. */
  readonly last: boolean;
  /** The codec's count of samples up to the end of the last packet, or null. */
  readonly granule: number | null;
}

/** Longest packet kept: comments with pictures in them reach megabytes, sound is far shorter. */
const MAX_PACKET_BYTES = 2 ** 24;

/**
 * Takes the packets of one stream out of an Ogg file: of the first that `accepts` likes, and of such streams that begin
 * after it has ended (files that were joined). Streams beside it are left out.
 *
 * @param accepts sees the first packet of each stream.
 * @throws QwenAsrError `audio` for a packet beyond 16 MiB.
 */
export async function* oggPackets(
  reader: ByteReader,
  damage: Damage,
  label: string,
  accepts: (firstPacket: Uint8Array) => boolean,
): AsyncGenerator<OggPackets, void, undefined> {
  let serial: number | undefined;
  let nextSequence = 0;
  const assembly = new PacketAssembly(label);
  for await (const page of oggPages(reader, damage)) {
    if (page.first) {
      if (serial !== undefined || !accepts(page.body)) continue;
      serial = page.serial;
      assembly.clear();
    } else {
      if (page.serial !== serial) continue;
      if (page.sequence !== nextSequence) assembly.clear(); // a page is missing, and counted as damage
    }
    nextSequence = (page.sequence + 1) >>> 0;
    const packets = assembly.add(page);
    if (page.last) serial = undefined;
    yield { packets, first: page.first, last: page.last, granule: page.granule };
  }
}

/** Puts packets together from the pages that they are spread over. */
class PacketAssembly {
  readonly #label: string;
  /** The pieces of a packet that goes on on the next page; undefined when none does. */
  #pieces: Uint8Array[] | undefined;
  #bytes = 0;

  constructor(label: string) {
    this.#label = label;
  }

  clear(): void {
    this.#pieces = undefined;
    this.#bytes = 0;
  }

  /** The packets that end on this page. */
  add({ segments, body, continued }: OggPage): Uint8Array[] {
    // The rest of a packet whose beginning is missing is left out, and so is a beginning whose rest is missing.
    if (!continued) this.clear();
    let lost = continued && this.#pieces === undefined;
    const packets: Uint8Array[] = [];
    let start = 0;
    let at = 0;
    for (const length of segments) {
      at += length;
      if (length === 255) continue;
      if (!lost) packets.push(this.#finish(body.slice(start, at)));
      lost = false;
      start = at;
    }
    if (segments.at(-1) === 255 && !lost) this.#keep(body.slice(start, at));
    return packets;
  }

  #keep(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_PACKET_BYTES) {
      const limit = `${MAX_PACKET_BYTES / 2 ** 20} MiB`;
      throw new QwenAsrError(
        'audio',
        `${this.#label}: expected packets of at most ${limit}, found a longer one`,
      );
    }
    this.#pieces ??= [];
    this.#pieces.push(piece);
  }

  #finish(last: Uint8Array): Uint8Array {
    if (this.#pieces === undefined) return last;
    this.#keep(last);
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.clear();
    return whole;
  }
}
