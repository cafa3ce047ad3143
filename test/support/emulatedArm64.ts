import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { arm64Program, CODE_ADDRESS, MEMORY_ADDRESS, MEMORY_BYTES, STAGE_OFFSET } from './arm64Program.js';

const EMULATOR = 'qemu-aarch64';

const isInstalled = process.platform === 'linux' && spawnSync(EMULATOR, ['--version']).status === 0;

/** Why arm64 code cannot be emulated here, or false; for `skip`. */
export const emulatorMissing: string | false =
  !isInstalled && `${EMULATOR} (Debian's qemu-user) is not installed`;

/** Features, and a CPU of QEMU's that has them. */
export interface Arm64Cpu {
  readonly name: string;
  readonly model: string;
}

/** The generations of CPUs; but for `all`, QEMU's have no other features that kernels use. */
export const ARM64_CPUS = {
  neon: { name: 'neon', model: 'cortex-a57' },
  dotprod: { name: 'neon+lse+dotprod', model: 'cortex-a76' },
  all: { name: 'neon+lse+dotprod+bf16+i8mm', model: 'max' },
} as const satisfies Record<string, Arm64Cpu>;

/** A function of arm64 code in the emulated process. */
export type EmulatedFunction = (...args: readonly number[]) => void;

/**
 * A process of arm64 code on an emulated CPU, made of a few dozen instructions, that shares its memory with this one and
 * calls what it is told to. It starts in milliseconds and ends with this process.
 *
 * @example
 * const cpu = new EmulatedArm64('cortex-a57');
 * const run = cpu.install(code);
 * run(cpu.address, 3);
 */
export class EmulatedArm64 {
  /** Address of the first byte of `bytes`, as the code sees it. */
  readonly address = MEMORY_ADDRESS;
  /** The memory that both see. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly commands: number;
  private readonly replies: number;
  private readonly process: ChildProcess;
  private codeBytes = 0;

  /**
   * @param cpu a name of QEMU's; `max` has every feature
   * @param options of QEMU's
   */
  constructor(cpu: string, options: readonly string[] = []) {
    const folder = mkdtempSync(join(tmpdir(), 'arm64-'));
    try {
      const program = join(folder, 'program');
      writeFileSync(program, arm64Program());
      chmodSync(program, 0o755);
      const memory = openSync(join(folder, 'memory'), 'w+');
      ftruncateSync(memory, MEMORY_BYTES);
      this.bytes = mapShared(memory, MEMORY_BYTES);
      const commands = makePipe(join(folder, 'commands'));
      const replies = makePipe(join(folder, 'replies'));
      this.process = spawn(EMULATOR, ['-cpu', cpu, ...options, program], {
        stdio: [commands.read, replies.write, 'inherit', memory],
      });
      this.process.unref();
      for (const descriptor of [commands.read, replies.write, memory]) closeSync(descriptor);
      this.commands = commands.write;
      this.replies = replies.read;
      this.place([new Uint8Array(64)]); // when it answers it needs its file no longer
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Copies functions to executable memory, each to a multiple of 64 bytes. @returns the address of each */
  place(functions: readonly Uint8Array[]): number[] {
    return functions.map((code) => {
      this.bytes.set(code, STAGE_OFFSET);
      const address = CODE_ADDRESS + this.codeBytes;
      this.codeBytes += Math.ceil(code.length / 64) * 64;
      this.command([0, address, Math.ceil(code.length / 64) * 64]);
      return address;
    });
  }

  /** {@link place} of one function, to be called with up to six integers. */
  install(code: Uint8Array): EmulatedFunction {
    const [address] = this.place([code]) as [number];
    return (...args) => this.call(address, args);
  }

  call(address: number, args: readonly number[]): void {
    this.command([address, ...args]);
  }

  private command(words: readonly number[]): void {
    const message = new BigInt64Array(8);
    words.forEach((word, i) => {
      message[i] = BigInt(word);
    });
    writeSync(this.commands, new Uint8Array(message.buffer));
    const reply = new Uint8Array(8);
    if (readSync(this.replies, reply) !== reply.length)
      throw new Error(`the emulated process has ended (${words})`);
  }
}

const protRead = 1;
const protWrite = 2;
const mapSharedFlag = 1;

function mapShared(descriptor: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const libc = koffi.load(null);
  const mmap = libc.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t']);
  const address = Number(mmap(0, byteLength, protRead | protWrite, mapSharedFlag, descriptor, 0));
  if (address === -1) throw new Error(`no room for ${byteLength} bytes of shared memory`);
  return new Uint8Array(koffi.view(address, byteLength));
}

/** Ends of a pipe that block, unlike those that Node makes; each sees when the other is closed. */
function makePipe(path: string): { read: number; write: number } {
  const made = spawnSync('mkfifo', [path]);
  if (made.status !== 0) throw new Error(`mkfifo: ${made.stderr}`);
  const both = openSync(path, 'r+'); // so that neither of the others waits for its partner
  const [read, write] = [openSync(path, 'r'), openSync(path, 'w')];
  closeSync(both);
  return { read, write };
}
