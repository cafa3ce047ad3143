import { QwenAsrError } from '../../error.js';
import type { AudioBlock, AudioDecoder } from '../audioClip.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { MixMeter } from '../mixMeter.js';
import type { OggCodec, OggPacketDecoder, OggStreamHead } from './oggCodec.js';
import { type OggPackets, oggPackets } from './oggPackets.js';
import { opusCodec } from './opusCodec.js';
import { vorbisCodec } from './vorbisCodec.js';

const CODECS: readonly OggCodec[] = [vorbisCodec, opusCodec];
const COMMENTS = 1;

/**
 * Decodes the Vorbis or Opus stream in an Ogg file, and those that follow it (files that were joined), of any rate each.
 * Pages that fail their checksum are left out and noted. The last page's count says where a stream ends within its last
 * packet.
 *
 * @throws QwenAsrError `audio` when there is no such stream; from `decode` when it has no sound or not the headers it
 * needs; `unsupported` without the package that decodes it.
 */
export async function openOgg(reader: ByteReader, label: string): Promise<AudioDecoder> {
  const decoder = new OggDecoder(reader, label);
  const sampleRateHz = await decoder.open();
  return { sampleRateHz, sampleCount: null, notes: decoder.notes, decode: () => decoder.decode() };
}

class OggDecoder {
  readonly notes: string[] = [];
  readonly #label: string;
  readonly #damage: Damage;
  readonly #meter: MixMeter;
  readonly #pages: AsyncGenerator<OggPackets, void, undefined>;
  #firstPage: OggPackets | undefined;
  #stream: OggStream | undefined;
  #heardSeconds = 0;
  /** Bytes of sound that no stream was chosen for since the last one that was. */
  #lostBytes = 0;

  constructor(reader: ByteReader, label: string) {
    this.#label = label;
    this.#damage = new Damage(label);
    this.#meter = new MixMeter(label);
    this.#pages = oggPackets(reader, this.#damage, label, {
      accepts: (packet) => this.#accepts(packet),
      lost: (bytes) => {
        this.#lostBytes += bytes;
      },
    });
  }

  /** Begins the first stream; returns its rate in Hz. */
  async open(): Promise<number> {
    const first = await this.#pages.next();
    if (first.done === true) {
      throw new QwenAsrError(
        'audio',
        `${this.#label}: expected Ogg Vorbis or Ogg Opus, found no such stream`,
      );
    }
    this.#firstPage = first.value;
    this.#stream = await this.#begin(first.value);
    return this.#stream.sampleRateHz;
  }

  async *decode(): AsyncGenerator<AudioBlock, void, undefined> {
    let ended = false;
    for (let page = this.#firstPage; page !== undefined; page = await this.#nextPage()) {
      if (page.first && page !== this.#firstPage) {
        this.#noteLost();
        await this.#beginNext(page);
      }
      ended = page.last;
      yield* this.#decodePage(page);
    }
    if (this.#heardSeconds === 0) {
      const name = this.#stream?.codec.name ?? 'Ogg Vorbis or Ogg Opus';
      throw new QwenAsrError('audio', `${this.#label}: expected ${name}, found no sound in it`);
    }
    this.#noteLost();
    this.notes.push(...this.#damage.notes(this.#heardSeconds, 'Ogg'));
    if (!ended) this.notes.push(`${this.#label}: the end of the recording is missing`);
    this.notes.push(...this.#meter.notes());
  }

  *#decodePage(page: OggPackets): Generator<AudioBlock, void, undefined> {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { sampleRateHz } = stream;
    try {
      for (const samples of stream.decode(page)) {
        this.#heardSeconds += samples.length / sampleRateHz;
        yield { samples, sampleRateHz };
      }
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** What was heard before stays, if another stream cannot be. */
  async #beginNext(page: OggPackets): Promise<void> {
    this.#stream = undefined;
    try {
      this.#stream = await this.#begin(page);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #giveUp(error: unknown): void {
    if (this.#heardSeconds === 0 || !(error instanceof QwenAsrError)) throw error;
    const reason = error.message.replace(`${this.#label}: `, '');
    this.notes.push(
      `${this.#label}: from ${this.#heardSeconds.toFixed(2)} s on, a part was not heard: ${reason}`,
    );
    this.#stream = undefined;
  }

  #noteLost(): void {
    if (this.#lostBytes === 0) return;
    const where = `from ${this.#heardSeconds.toFixed(2)} s on, ${this.#lostBytes} bytes were not heard`;
    this.notes.push(
      `${this.#label}: ${where}: their stream is neither Vorbis nor Opus, or its beginning is missing`,
    );
    this.#lostBytes = 0;
  }

  async #begin(page: OggPackets): Promise<OggStream> {
    const packet = page.packets[0] ?? new Uint8Array(0);
    for (const codec of CODECS) {
      const head = codec.readHead(packet, this.#label);
      if (head === undefined) continue;
      const decoder = await codec.createDecoder(packet, this.#label);
      return new OggStream(codec, head, decoder, {
        damage: this.#damage,
        meter: this.#meter,
        label: this.#label,
      });
    }
    throw new QwenAsrError('internal', `${this.#label}: a stream was chosen whose head is not valid`);
  }

  #accepts(packet: Uint8Array): boolean {
    return CODECS.some((codec) => {
      try {
        return codec.readHead(packet, this.#label) !== undefined;
      } catch (error) {
        if (this.#stream === undefined) throw error;
        return false;
      }
    });
  }

  async #nextPage(): Promise<OggPackets | undefined> {
    const next = await this.#pages.next();
    return next.done === true ? undefined : next.value;
  }
}

/** What the streams of a file have in common. */
interface OggFile {
  readonly damage: Damage;
  readonly meter: MixMeter;
  readonly label: string;
}

/** Decodes one stream of the file. */
class OggStream {
  readonly codec: OggCodec;
  readonly #head: OggStreamHead;
  readonly #file: OggFile;
  readonly #decoder: OggPacketDecoder;
  #headers = 0;
  #samples = 0;
  /** The count before the first sample: above 0 where a broadcast was recorded from its middle. */
  #firstGranule: number | undefined;

  constructor(codec: OggCodec, head: OggStreamHead, decoder: OggPacketDecoder, file: OggFile) {
    this.codec = codec;
    this.#head = head;
    this.#file = file;
    this.#decoder = decoder;
  }

  get sampleRateHz(): number {
    return this.#head.sampleRateHz;
  }

  /** [samples] f32 each: the sound that ends on this page. */
  *decode({ packets, granule, last }: OggPackets): Generator<Float32Array, void, undefined> {
    const end = last && granule !== null ? this.#samplesUpTo(granule) : Number.POSITIVE_INFINITY;
    for (const packet of packets) {
      if (this.#headers < this.codec.headerCount) {
        this.#takeHeader(packet);
        continue;
      }
      if (packet.length === 0) continue; // no sound, and no damage: some writers end a stream with one
      const channels = this.#decoder.decode(packet);
      if (channels === undefined) this.#file.damage.add();
      else yield this.#mixed(channels, Math.max(0, end - this.#samples));
    }
    if (granule !== null && this.#headers === this.codec.headerCount && this.#samples > 0) {
      this.#firstGranule ??= Math.max(0, granule - this.#head.preSkipSamples - this.#samples);
    }
  }

  #takeHeader(packet: Uint8Array): void {
    const { name, headerCount, emptyComments } = this.codec;
    const given = this.#headers === COMMENTS ? emptyComments : packet;
    this.#headers++;
    if (this.#decoder.header(given)) return;
    const where = `header ${this.#headers} of ${headerCount}`;
    throw new QwenAsrError('audio', `${this.#file.label}: expected ${name}, found a damaged ${where}`);
  }

  #samplesUpTo(granule: number): number {
    return granule - this.#head.preSkipSamples - (this.#firstGranule ?? 0);
  }

  #mixed(channels: readonly Float32Array[], limit: number): Float32Array {
    const kept = channels.map((samples) => samples.subarray(0, limit));
    const mono = this.#file.meter.mix(kept, this.sampleRateHz);
    this.#samples += mono.length;
    return mono;
  }
}
