import { QwenAsrError } from '../../error.js';
import type { ByteReader } from '../byteReader.js';
import type { Damage } from '../damage.js';

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
 * Takes the packets of one stream out of each link of an Ogg file: of the first to go on among those that begin together
 * and that `accepts` likes. Another link begins where streams begin after sound, whether the one before was ended or not.
 * Streams beside the chosen ones are left out.
 *
 * @param accepts sees the first packet of each stream.
 * @param lost hears of pages that belong to no chosen stream nor to one beside it: links of other codecs, or whose
 * beginning is missing.
 * @throws QwenAsrError `audio` for a packet beyond 16 MiB.
 */
export async function* oggPackets(
  reader: ByteReader,
  damage: Damage,
  label: string,
  { accepts, lost }: { accepts: (firstPacket: Uint8Array) => boolean; lost: (bytes: number) => void },
): AsyncGenerator<OggPackets, void, undefined> {
  let chosen: number | undefined;
  let link = new OggLink();
  let nextSequence = 0;
  const assembly = new PacketAssembly(label);
  for await (const page of oggPages(reader, damage)) {
    if (page.first) {
      if (link.hasBegun) link = new OggLink();
      link.add(page, accepts(page.body));
      continue;
    }
    const beginning = link.begin(page.serial);
    if (beginning !== undefined) {
      chosen = page.serial;
      nextSequence = beginning.sequence;
      assembly.clear();
      yield beginning.packets;
    } else if (page.serial !== chosen) {
      if (!link.isBeside(page.serial)) lost(page.body.length);
      continue;
    }
    if (page.sequence !== nextSequence) assembly.clear(); // a page is missing, and counted as damage
    nextSequence = (page.sequence + 1) >>> 0;
    yield { packets: assembly.add(page), first: false, last: page.last, granule: page.granule };
  }
  const headerOnly = link.begin(undefined);
  if (headerOnly !== undefined) yield headerOnly.packets;
}

/** The streams that begin together, until one of them is chosen. */
class OggLink {
  /** First packets of the streams that may be chosen, and what the page after theirs is numbered. */
  readonly #candidates = new Map<number, { readonly packets: OggPackets; readonly sequence: number }>();
  readonly #streams = new Set<number>();
  /** Whether a page behind the first ones has been seen. */
  hasBegun = false;
  #hasChosen = false;

  add(page: OggPage, isAccepted: boolean): void {
    this.#streams.add(page.serial);
    if (!isAccepted) return;
    const { granule, last, sequence } = page;
    const packets = { packets: [page.body.slice()], first: true, last, granule };
    this.#candidates.set(page.serial, { packets, sequence: (sequence + 1) >>> 0 });
  }

  /**
   * Goes on with a page of this stream, or to the end of the file.
   *
   * @returns the beginning of the stream that is chosen by that.
   */
  begin(serial: number | undefined) {
    this.hasBegun ||= this.#streams.size > 0;
    if (this.#hasChosen) return undefined;
    const [first] = this.#candidates.values();
    const chosen = serial === undefined ? first : this.#candidates.get(serial);
    this.#hasChosen = chosen !== undefined;
    return chosen;
  }

  /** Whether a stream is left out because another of its link is heard. */
  isBeside(serial: number): boolean {
    return this.#streams.has(serial) && (this.#hasChosen || this.#candidates.size > 0);
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

/** A page of an Ogg file (RFC 3533 §6). */
interface OggPage {
  /** Which of the file's streams it belongs to. */
  readonly serial: number;
  readonly sequence: number;
  /** Whether it begins with the rest of a packet, begins its stream, or ends it. */
  readonly continued: boolean;
  readonly first: boolean;
  readonly last: boolean;
  /** The codec's count of samples up to the end of the last packet that ends here; null when none does. */
  readonly granule: number | null;
  /** [≤ 255] lengths; a packet goes on while they are 255. */
  readonly segments: Uint8Array;
  /** Valid until the next page is asked for. */
  readonly body: Uint8Array;
}

const HEADER_BYTES = 27;
const MAX_PAGE_BYTES = HEADER_BYTES + 255 + 255 * 255;
const CHECKSUM_OFFSET = 22;
const MARK = [0x4f, 0x67, 0x67, 0x53]; // "OggS"

/**
 * Finds the pages of an Ogg file. Bytes between pages and pages that fail their checksum are left out; so is a page that
 * the end of the file cuts off.
 *
 * @param damage counts the places where something was left out.
 */
async function* oggPages(reader: ByteReader, damage: Damage): AsyncGenerator<OggPage, void, undefined> {
  let inSync = true;
  while ((await reader.fill(MAX_PAGE_BYTES)) >= HEADER_BYTES) {
    const bytes = reader.bytes;
    const pageBytes = pageLength(bytes);
    if (pageBytes > bytes.length) {
      // Either the file ends inside this page, or its lengths are damaged and other pages follow.
      const next = nextMark(bytes);
      if (next === bytes.length) return;
    } else if (pageBytes > 0 && hasRightChecksum(bytes, pageBytes)) {
      inSync = true;
      yield parsePage(bytes, pageBytes);
      reader.skip(pageBytes);
      continue;
    }
    if (inSync || pageBytes > 0) damage.add();
    inSync = false;
    reader.skip(nextMark(bytes));
  }
}

/** Length of the page at the start of the bytes by its segment table; 0 where no page begins. */
function pageLength(bytes: Uint8Array): number {
  if (MARK.some((byte, i) => bytes[i] !== byte) || bytes[4] !== 0) return 0;
  const segments = bytes[26]!;
  const table = bytes.subarray(HEADER_BYTES, HEADER_BYTES + segments);
  return table.reduce((sum, length) => sum + length, HEADER_BYTES + segments);
}

function parsePage(bytes: Uint8Array, pageBytes: number): OggPage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, pageBytes);
  const flags = bytes[5]!;
  const granule = view.getBigInt64(6, true);
  const bodyStart = HEADER_BYTES + bytes[26]!;
  return {
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    continued: (flags & 1) !== 0,
    first: (flags & 2) !== 0,
    last: (flags & 4) !== 0,
    granule: granule < 0n ? null : Number(granule),
    segments: bytes.subarray(HEADER_BYTES, bodyStart),
    body: bytes.subarray(bodyStart, pageBytes),
  };
}

/** Where the next page may begin, after the first byte; the last bytes are kept where they may begin one. */
function nextMark(bytes: Uint8Array): number {
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at] !== MARK[0]) continue;
    if (MARK.every((byte, i) => at + i >= bytes.length || bytes[at + i] === byte)) return at;
  }
  return bytes.length;
}

/** x³² + x²⁶ + x²³ + … + 1 (0x04c11db7), most significant bit first: the remainder of each byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? 0x04c11db7 : 0);
  return sum;
});

/** The checksum is that of the page with zeros in the checksum's place. */
function hasRightChecksum(bytes: Uint8Array, pageBytes: number): boolean {
  let sum = 0;
  for (let i = 0; i < pageBytes; i++) {
    const inChecksum = i >= CHECKSUM_OFFSET && i < CHECKSUM_OFFSET + 4;
    sum = (sum << 8) ^ TABLE[(sum >>> 24) ^ (inChecksum ? 0 : bytes[i]!)]!;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, pageBytes);
  return sum >>> 0 === view.getUint32(CHECKSUM_OFFSET, true);
}
