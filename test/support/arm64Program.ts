import { Assembler } from '../../src/jit/arm64/assembler.js';
import { mem, SP, XZR, x } from '../../src/jit/arm64/operands.js';

/** Where the emulated process has its memory, above 4 GiB so that a pointer cut to 32 bits is found out. */
export const MEMORY_ADDRESS = 0x10_0000_0000;
export const MEMORY_BYTES = 320 * 2 ** 20;
/** Where code waits in it, to be copied. */
export const STAGE_OFFSET = 300 * 2 ** 20;
export const CODE_ADDRESS = 0x20_0000_0000;
const CODE_BYTES = 256 * 2 ** 20;

/** Linux's numbers (asm-generic/unistd.h, mman-common.h). */
const SYS = { read: 63, write: 64, exit: 93, mmap: 222 };
const PROT = { read: 1, write: 2, execute: 4 };
const MAP = { shared: 1, private: 2, fixed: 0x10, anonymous: 0x20 };

/** What the process is given: the file of its memory. */
const MEMORY_DESCRIPTOR = 3;

/** Words of a command: the function or 0, then its arguments. */
const COMMAND_BYTES = 64;

const LOAD_ADDRESS = 0x400000;
const HEADER_BYTES = 64 + 56;
const CODE_OFFSET = 128;

/**
 * A statically linked arm64 program for Linux that does what it reads: a command [f, a, b, c, d, e, f] calls f with six
 * arguments; [0, to, length] copies code from its memory. It answers 8 bytes to each, and ends when nobody writes more.
 */
export function arm64Program(): Uint8Array {
  const code = programCode();
  const file = new Uint8Array(CODE_OFFSET + code.length);
  file.set(elfHeader(file.length));
  file.set(code, CODE_OFFSET);
  return file;
}

/** The two headers of an ELF file with one segment (the ABI's generic part, chapters 4 and 5). */
function elfHeader(byteLength: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  const [executable, arm64, load, readable, runnable] = [2, 183, 1, 4, 1];
  [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].forEach((byte, i) => {
    header.setUint8(i, byte);
  });
  header.setUint16(16, executable, true);
  header.setUint16(18, arm64, true);
  header.setUint32(20, 1, true);
  header.setBigUint64(24, BigInt(LOAD_ADDRESS + CODE_OFFSET), true);
  header.setBigUint64(32, 64n, true); // where the program header is
  header.setUint16(52, 64, true);
  header.setUint16(54, 56, true);
  header.setUint16(56, 1, true);
  header.setUint32(64, load, true);
  header.setUint32(68, readable | runnable, true);
  header.setBigUint64(80, BigInt(LOAD_ADDRESS), true);
  header.setBigUint64(88, BigInt(LOAD_ADDRESS), true);
  header.setBigUint64(96, BigInt(byteLength), true);
  header.setBigUint64(104, BigInt(byteLength), true);
  header.setBigUint64(112, 4096n, true);
  return new Uint8Array(header.buffer);
}

function programCode(): Uint8Array {
  const asm = new Assembler('program');
  const [next, copy, end] = [asm.label('next'), asm.label('copy'), asm.label('end')];
  const setConst = (register: number, value: number): void => {
    asm.emit('movz', x(register), value % 65536, 0);
    for (const shift of [16, 32] as const) {
      const part = Math.floor(value / 2 ** shift) % 65536;
      if (part !== 0) asm.emit('movk', x(register), part, shift);
    }
  };
  const system = (call: number, ...args: number[]): void => {
    args.forEach((value, i) => {
      setConst(i, value);
    });
    setConst(8, call);
    asm.emit('svc', 0);
  };
  const shared = MAP.shared | MAP.fixed;
  system(SYS.mmap, MEMORY_ADDRESS, MEMORY_BYTES, PROT.read | PROT.write, shared, MEMORY_DESCRIPTOR, 0);
  asm.emit('sub', SP, SP, COMMAND_BYTES);
  const anywhere = 2 ** 32 - 1;
  const anonymous = MAP.private | MAP.anonymous | MAP.fixed;
  system(SYS.mmap, CODE_ADDRESS, CODE_BYTES, PROT.read | PROT.write | PROT.execute, anonymous, anywhere, 0);
  asm.bind(next);
  asm.emit('add', x(1), SP, 0);
  setConst(0, 0);
  setConst(2, COMMAND_BYTES);
  setConst(8, SYS.read);
  asm.emit('svc', 0);
  asm.emit('subs', XZR, x(0), COMMAND_BYTES);
  asm.emit('b.', 'ne', end);
  asm.emit('ldr', x(16), mem(SP));
  for (let i = 0; i < 6; i++) asm.emit('ldr', x(i), mem(SP, 8 * (i + 1)));
  asm.emit('cbz', x(16), copy);
  asm.emit('blr', x(16));
  const answer = asm.label('answer');
  asm.bind(answer);
  asm.emit('add', x(1), SP, 0);
  setConst(0, 1);
  setConst(2, 8);
  setConst(8, SYS.write);
  asm.emit('svc', 0);
  asm.emit('b', next);
  emitCopy(asm, copy, setConst);
  asm.emit('b', answer);
  asm.bind(end);
  system(SYS.exit, 0);
  return asm.finish();
}

/** x1 bytes, a multiple of 64, from the stage to x0, line by line; instructions are fetched anew afterwards. */
function emitCopy(
  asm: Assembler,
  copy: ReturnType<Assembler['label']>,
  setConst: (register: number, value: number) => void,
): void {
  const line = asm.label('line');
  asm.bind(copy);
  setConst(2, MEMORY_ADDRESS + STAGE_OFFSET);
  asm.bind(line);
  for (let at = 0; at < 64; at += 8) {
    asm.emit('ldr', x(3), mem(x(2), at));
    asm.emit('str', x(3), mem(x(0), at));
  }
  asm.emit('dc', 'cvau', x(0));
  asm.emit('dsb', 'ish');
  asm.emit('ic', 'ivau', x(0));
  asm.emit('add', x(0), x(0), 64);
  asm.emit('add', x(2), x(2), 64);
  asm.emit('subs', x(1), x(1), 64);
  asm.emit('b.', 'ne', line);
  asm.emit('dsb', 'ish');
  asm.emit('isb');
}
