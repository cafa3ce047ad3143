import { QwenAsrError } from '../../error.js';
import { fromOptionalPackage } from '../optionalPackage.js';
import {
  compilePackageWasm,
  instantiateWasm,
  type WasmImports,
  type WasmInstance,
  type WasmModule,
} from '../packageWasm.js';

/** An audio decoder of the package ogv. Its callbacks are called before the functions return. */
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

/** One of the codecs that the package decodes. */
export interface OgvCodec {
  /** For errors: `Ogg Vorbis`. */
  readonly name: string;
  /** The WebAssembly file within the package. */
  readonly wasm: string;
  importFactory(): Promise<{ readonly default: OgvFactory }>;
}

/** Name that Emscripten gave the import that enlarges the memory in ogv 1.9.0. */
const GROW_IMPORT = 'a';
/** Memory a decoder may have: it begins with 16 MiB and hardly ever needs more; a hostile header asks for gigabytes. */
const MAX_MEMORY_BYTES = 2 ** 26;

/** Decodes packets of Vorbis (libvorbis) or Opus (libopus), compiled to WebAssembly by the package ogv. */
export class OgvDecoder {
  readonly #module: OgvModule;
  readonly #failure: (cause: unknown) => QwenAsrError;

  private constructor(module: OgvModule, failure: (cause: unknown) => QwenAsrError) {
    this.#module = module;
    this.#failure = failure;
  }

  /** @throws QwenAsrError `unsupported` when the package is not installed. */
  static async create(codec: OgvCodec, label: string): Promise<OgvDecoder> {
    const module = await fromOptionalPackage({ name: 'ogv', purpose: codec.name }, label, async () => {
      const { default: factory } = await codec.importFactory();
      const wasm = await compilePackageWasm(`ogv/dist/${codec.wasm}`);
      return await new Promise<OgvModule>((resolve, reject) => {
        factory(optionsFor(wasm, reject)).then(resolve, reject);
      });
    });
    module.init(() => {});
    return new OgvDecoder(module, (cause) => {
      const reason = cause instanceof MemoryLimit ? 'it needs too much memory' : String(cause);
      return new QwenAsrError('audio', `${label}: the ${codec.name} decoder failed: ${reason}`, { cause });
    });
  }

  /** Takes the next of the packets in front of the sound; false when it is not valid. */
  header(packet: Uint8Array): boolean {
    let accepted = 0;
    this.#guarded(() =>
      this.#module.processHeader(packet, (result) => {
        accepted = result;
      }),
    );
    return accepted !== 0;
  }

  /**
   * Decodes the next packet.
   *
   * @returns [samples ≥ 0] f32, mean of the channels; undefined when the packet is damaged.
   * @throws QwenAsrError `audio` when the decoder breaks down.
   */
  decode(packet: Uint8Array): Float32Array | undefined {
    const module = this.#module;
    let decoded = 0;
    module.audioBuffer = null;
    this.#guarded(() =>
      module.processAudio(packet, (result) => {
        decoded = result;
      }),
    );
    if (decoded === 0) return undefined;
    return meanOf(module.audioBuffer ?? []);
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (cause) {
      throw this.#failure(cause);
    }
  }
}

class MemoryLimit extends Error {}

/** Emscripten waits for an instance for ever, so that a failure to make one is told separately. */
function optionsFor(wasm: WasmModule, failed: (cause: unknown) => void): OgvOptions {
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

function meanOf(channels: readonly Float32Array[]): Float32Array {
  const [first] = channels;
  if (first === undefined) return new Float32Array(0);
  if (channels.length === 1) return first;
  return first.map((_, i) => {
    let sum = 0;
    for (const samples of channels) sum += samples[i]!;
    return sum / channels.length;
  });
}
