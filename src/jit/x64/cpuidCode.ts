import { Assembler } from './assembler.js';
import { mem } from './operands.js';
import { gpr, gpr32 } from './registers.js';

/** Where the function of `cpuidCode` leaves its findings: i32 words. */
export const CPUID_WORDS = {
  maxLeaf: 0,
  leaf1Ecx: 1,
  leaf7Ebx: 2,
  leaf7Ecx: 3,
  leaf7Subleaf1Eax: 4,
  xcr0: 5,
  count: 6,
} as const;

const OSXSAVE_BIT = 27;

/** Machine code of f(words): asks CPUID and, where the system has enabled it, XGETBV. */
export function cpuidCode(): Uint8Array {
  const asm = new Assembler({ name: 'cpuid' });
  const [eax, ebx, ecx, edx] = [gpr32(0), gpr32(3), gpr32(1), gpr32(2)];
  const words = gpr(7);
  const at = (word: number): ReturnType<typeof mem> => mem(words, { disp: 4 * word });
  const ask = (leaf: number, subleaf: number): void => {
    asm.emit('mov', eax, leaf);
    asm.emit('mov', ecx, subleaf);
    asm.emit('cpuid');
  };
  asm.emit('push', gpr(3));
  ask(0, 0);
  asm.emit('mov', at(CPUID_WORDS.maxLeaf), eax);
  ask(1, 0);
  asm.emit('mov', at(CPUID_WORDS.leaf1Ecx), ecx);
  asm.emit('mov', edx, ecx);
  asm.emit('shr', edx, OSXSAVE_BIT);
  asm.emit('and', edx, 1);
  const noXgetbv = asm.label('noXgetbv');
  asm.emit('je', noXgetbv);
  asm.emit('xor', ecx, ecx);
  asm.emit('xgetbv');
  asm.emit('mov', at(CPUID_WORDS.xcr0), eax);
  asm.bind(noXgetbv);
  ask(7, 0);
  asm.emit('mov', at(CPUID_WORDS.leaf7Ebx), ebx);
  asm.emit('mov', at(CPUID_WORDS.leaf7Ecx), ecx);
  ask(7, 1);
  asm.emit('mov', at(CPUID_WORDS.leaf7Subleaf1Eax), eax);
  asm.emit('pop', gpr(3));
  asm.emit('ret');
  return asm.finish();
}
