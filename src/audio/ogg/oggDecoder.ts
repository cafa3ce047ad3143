import { QwenAsrError } from '../../error.js';
import type { AudioDecoder } from '../audioDecoder.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { sampleBlocks } from '../sampleBlocks.js';
import type { OggCodec, OggPacketDecoder, OggStreamHead } from './oggCodec.js';
import { type OggPackets, oggPackets } from './oggPackets.js';

const COMMENTS = 1;
/** Length of the blocks handed on, in samples. */
const BLOCK_SAMPLES = 16_384;
/** Beyond it a decoder's value is no sound; of NaN the comparison is false too. */
const MAX_MAGNITUDE = 1e30;

/**
 * Decodes a codec's first stream in an Ogg file, and those of the same rate that follow it. Pages that fail their
 * checksum are left out and noted. The last page's count says where the recording ends within its last packet.
 *
 * @throws QwenAsrError `audio` when there is no such stream; from `decode` when it has no sound or not the headers it
 * needs; `unsupported` without the package that decodes it.
 */
export async function openOgg(codec: OggCodec, reader: ByteReader, label: string): Promise<AudioDecoder> {
  const damage = new Damage(label);
  const pages = oggPackets(reader, damage, label, (packet) => codec.readHead(packet) !== undefined);
  const first = await pages.next();
  const head = first.done === true ? undefined : codec.readHead(firstPacketOf(first.value));
  if (first.done === true || head === undefined) {
    throw new QwenAsrError('audio', `${label}: expected ${codec.name}, found no such stream`);
  }
  const firstPage = first.value;
  const notes: string[] = [];
  const firstDecoder = await codec.createDecoder(firstPacketOf(firstPage));
  return {
    sampleRateHz: head.sampleRateHz,
    mayExceedOne: true,
    sampleCount: null,
    notes,
    decode: () => sampleBlocks(decodePages(), BLOCK_SAMPLES),
  };

  async function* decodePages(): AsyncGenerator<Float32Array, void, undefined> {
    let samples = 0;
    let ended = false;
    let stream = new OggStream(codec, head!, firstDecoder, damage, label);
    for (let page: OggPackets | undefined = firstPage; page !== undefined; page = await nextPage()) {
      if (page.first && page !== firstPage) {
        const nextHead = sameRate(page);
        const decoder = await codec.createDecoder(firstPacketOf(page));
        stream = new OggStream(codec, nextHead, decoder, damage, label);
      }
      ended = page.last;
      for (const piece of stream.decode(page)) {
        samples += piece.length;
        yield piece;
      }
    }
    if (samples === 0)
      throw new QwenAsrError('audio', `${label}: expected ${codec.name}, found no sound in it`);
    notes.push(...damage.note());
    if (!ended) notes.push(`${label}: the end of the recording is missing`);
  }

  async function nextPage(): Promise<OggPackets | undefined> {
    const next = await pages.next();
    return next.done === true ? undefined : next.value;
  }

  function sameRate(page: OggPackets): OggStreamHead {
    const next = codec.readHead(firstPacketOf(page));
    if (next?.sampleRateHz === head!.sampleRateHz) return next;
    const expected = `expected ${head!.sampleRateHz} Hz throughout`;
    throw new QwenAsrError(
      'audio',
      `${label}: ${expected}, found a part of ${next?.sampleRateHz ?? 'unknown'} Hz`,
    );
  }
}

function firstPacketOf({ packets }: OggPackets): Uint8Array {
  return packets[0] ?? new Uint8Array(0);
}

/** Decodes one stream of the file. */
class OggStream {
  readonly #codec: OggCodec;
  readonly #head: OggStreamHead;
  readonly #damage: Damage;
  readonly #label: string;
  readonly #decoder: OggPacketDecoder;
  #headers = 0;
  #samples = 0;
  /** The count before the first sample: above 0 where a broadcast was recorded from its middle. */
  #firstGranule: number | undefined;

  constructor(
    codec: OggCodec,
    head: OggStreamHead,
    decoder: OggPacketDecoder,
    damage: Damage,
    label: string,
  ) {
    this.#codec = codec;
    this.#head = head;
    this.#decoder = decoder;
    this.#damage = damage;
    this.#label = label;
  }

  /** [samples] f32 each: the sound that ends on this page. */
  *decode({ packets, granule, last }: OggPackets): Generator<Float32Array, void, undefined> {
    const decoder = this.#decoder;
    const end = last && granule !== null ? this.#samplesUpTo(granule) : Number.POSITIVE_INFINITY;
    for (const packet of packets) {
      if (this.#headers < this.#codec.headerCount) {
        this.#takeHeader(decoder, packet);
        continue;
      }
      const samples = decoder.decode(packet);
      if (samples === undefined) this.#damage.add();
      else yield this.#checked(samples.subarray(0, Math.max(0, end - this.#samples)));
    }
    if (granule !== null && this.#headers === this.#codec.headerCount && this.#samples > 0) {
      this.#firstGranule ??= Math.max(0, granule - this.#head.preSkipSamples - this.#samples);
    }
  }

  #takeHeader(decoder: OggPacketDecoder, packet: Uint8Array): void {
    const given = this.#headers === COMMENTS ? this.#codec.emptyComments : packet;
    this.#headers++;
    if (decoder.header(given)) return;
    const where = `header ${this.#headers} of ${this.#codec.headerCount}`;
    throw new QwenAsrError('audio', `${this.#label}: expected ${this.#codec.name}, found a damaged ${where}`);
  }

  #samplesUpTo(granule: number): number {
    return granule - this.#head.preSkipSamples - (this.#firstGranule ?? 0);
  }

  #checked(samples: Float32Array): Float32Array {
    const broken = samples.findIndex((value) => !(Math.abs(value) <= MAX_MAGNITUDE));
    if (broken >= 0) {
      const found = `${samples[broken]} at sample ${this.#samples + broken}`;
      throw new QwenAsrError('audio', `${this.#label}: expected finite samples, found ${found}`);
    }
    this.#samples += samples.length;
    return samples;
  }
}
