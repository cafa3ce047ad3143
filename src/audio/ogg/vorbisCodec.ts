import { QwenAsrError } from '../../error.js';
import {
  compilePackageWasm,
  fromOptionalPackage,
  instantiateWasm,
  type PackageModule,
  type WasmImports,
  type WasmInstance,
} from '../packageWasm.js';
import { checkHeaderRate } from '../resample.js';
import type { OggCodec, OggPacketDecoder } from './oggCodec.js';

/** Vorbis I specification §4.2.2: kind of packet, "vorbis", version, channels, rate. */
const MARK = [1, 0x76, 0x6f, 0x72, 0x62, 0x69, 0x73];
const HEAD_BYTES = 30;
const RATE_OFFSET = 12;
/** A comment packet (§5.2.1) with no vendor, no comments, and the framing bit. */
const EMPTY_COMMENTS = Uint8Array.of(3, ...MARK.slice(1), 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** Ogg Vorbis, any rate from 1 kHz and any number of channels. */
export const vorbisCodec: OggCodec = {
  name: 'Ogg Vorbis',
  headerCount: 3,
  emptyComments: EMPTY_COMMENTS,
  readHead(packet, label) {
    if (packet.length < HEAD_BYTES || MARK.some((byte, i) => packet[i] !== byte)) return undefined;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const sampleRateHz = view.getUint32(RATE_OFFSET, true);
    checkHeaderRate(sampleRateHz, label);
    return { sampleRateHz, preSkipSamples: 0 };
  },
  createDecoder: (_, label) => Libvorbis.create(label),
};

/** The Vorbis decoder of the package ogv. Its callbacks are called before the functions return. */
interface OgvModule {
  /** [channels][samples] f32, set by processAudio. */
  audioBuffer: Float32Array[] | null;
  init(done: () => void): void;
  processHeader(packet: Uint8Array, done: (accepted: number) => void): void;
  processAudio(packet: Uint8Array, done: (decoded: number) => void): void;
}

interface OgvOptions {
  instantiateWasm(imports: WasmImports, receive: (instance: WasmInstance) => void): object;
  printErr(text: string): void;
}

export type OgvFactory = (options: OgvOptions) => Promise<OgvModule>;

const PACKAGE = { name: 'ogv', purpose: 'Ogg Vorbis' };
/** Name that Emscripten gave the import that enlarges the memory in ogv 1.9.0. */
const GROW_IMPORT = 'a';
/** Memory a decoder may have: it begins with 16 MiB and hardly ever needs more; a hostile header asks for gigabytes. */
const MAX_MEMORY_BYTES = 2 ** 26;

/** Decodes Vorbis packets with libvorbis, compiled to WebAssembly by the package ogv. */
class Libvorbis implements OggPacketDecoder {
  readonly #module: OgvModule;
  readonly #label: string;

  private constructor(module: OgvModule, label: string) {
    this.#module = module;
    this.#label = label;
  }

  /** @throws QwenAsrError `unsupported` when the package is not installed. */
  static async create(label: string): Promise<Libvorbis> {
    const module = await fromOptionalPackage(PACKAGE, label, async () => {
      const { default: factory } = await import('ogv/dist/ogv-decoder-audio-vorbis-wasm.js');
      const wasm = await compilePackageWasm('ogv/dist/ogv-decoder-audio-vorbis-wasm.wasm');
      return await new Promise<OgvModule>((resolve, reject) => {
        factory(optionsFor(wasm, reject)).then(resolve, reject);
      });
    });
    module.init(() => {});
    return new Libvorbis(module, label);
  }

  header(packet: Uint8Array): boolean {
    let accepted = 0;
    this.#guarded(() =>
      this.#module.processHeader(packet, (result) => {
        accepted = result;
      }),
    );
    return accepted !== 0;
  }

  decode(packet: Uint8Array): Float32Array[] | undefined {
    const module = this.#module;
    let decoded = 0;
    module.audioBuffer = null;
    this.#guarded(() =>
      module.processAudio(packet, (result) => {
        decoded = result;
      }),
    );
    if (decoded === 0) return undefined;
    return module.audioBuffer ?? [];
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (cause) {
      const reason = cause instanceof MemoryLimit ? 'it needs too much memory' : String(cause);
      throw new QwenAsrError('audio', `${this.#label}: the Vorbis decoder failed: ${reason}`, { cause });
    }
  }
}

class MemoryLimit extends Error {}

/** Emscripten waits for an instance for ever, so that a failure to make one is told separately. */
function optionsFor(wasm: PackageModule, failed: (cause: unknown) => void): OgvOptions {
  return {
    instantiateWasm(imports, receive) {
      const functions = Object.values(imports)[0]!;
      const grow = functions[GROW_IMPORT]!;
      functions[GROW_IMPORT] = (bytes = 0) => {
        if (bytes >>> 0 > MAX_MEMORY_BYTES) throw new MemoryLimit();
        return grow(bytes);
      };
      instantiateWasm(wasm, imports).then(receive).catch(failed);
      return {};
    },
    printErr() {},
  };
}
