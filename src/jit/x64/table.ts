import { type InstructionForm, parseInstructionForms } from './forms.js';

/*
 * Every instruction that the assembler knows: those that kernels are lowered to, and those of products of bytes. One line
 * per form, `operands : encoding`, in the notation of the Intel SDM vol. 2 (read by forms.ts). The first row that fits is
 * used; VEX rows come before EVEX rows: they are shorter and run without AVX-512.
 */

/** The eight classic two-operand operations differ in one number, which is opcode bits 5–3 and the /digit. */
function arithmetic(operation: number): readonly string[] {
  const opcode = (low: number): string => (operation * 8 + low).toString(16).toUpperCase().padStart(2, '0');
  return [
    `r/mr, r : ${opcode(1)} /r`,
    `r, mr : ${opcode(3)} /r`,
    `r/mr!, imm8 : 83 /${operation} ib`,
    `r/mr!, imm32 : 81 /${operation} id`,
  ];
}

/** A conditional jump; the code of its condition is the low digit of both opcodes (Intel SDM vol. 1, appendix B). */
function jump(condition: number): readonly string[] {
  const digit = condition.toString(16).toUpperCase();
  return [`rel8 : 7${digit} rel8`, `rel32 : 0F 8${digit} rel32`];
}

/** Integers, control flow and the system. */
const general = {
  mov: [
    'r/mr, r : 89 /r',
    'r, mr : 8B /r',
    'm16, r16 : 66 89 /r',
    'r32, uimm32 : B8+r id',
    'r64, imm32 : REX.W C7 /0 id',
    'mr!, imm32 : C7 /0 id',
  ],
  movabs: ['r64, imm64 : REX.W B8+r iq'],
  movzx: ['r, r16/m16! : 0F B7 /r'],
  movsxd: ['r64, r32/m32 : REX.W 63 /r'],
  lea: ['r, mem : 8D /r'],
  add: arithmetic(0),
  or: arithmetic(1),
  and: arithmetic(4),
  sub: arithmetic(5),
  xor: arithmetic(6),
  cmp: arithmetic(7),
  test: ['r/mr, r : 85 /r', 'r, mr : 85 /r', 'r/mr!, imm32 : F7 /0 id'],
  imul: ['r, r/mr : 0F AF /r', 'r, r/mr, imm8 : 6B /r ib', 'r, r/mr, imm32 : 69 /r id'],
  div: ['r/mr! : F7 /6'],
  shl: ['r/mr!, uimm8 : C1 /4 ib'],
  shr: ['r/mr!, uimm8 : C1 /5 ib'],
  sar: ['r/mr!, uimm8 : C1 /7 ib'],
  push: ['r64 : 50+r'],
  pop: ['r64 : 58+r'],
  jmp: ['rel8 : EB rel8', 'rel32 : E9 rel32', 'r64/m64 : FF /4'],
  call: ['rel32 : E8 rel32', 'r64/m64 : FF /2'],
  ret: [' : C3'],
  xchg: ['mr, r : 87 /r'],
  'lock xadd': ['mr, r : F0 0F C1 /r'],
  pause: [' : F3 90'],
  nop: [' : 90'],
  prefetcht0: ['mem : 0F 18 /1'],
  prefetcht1: ['mem : 0F 18 /2'],
  prefetchnta: ['mem : 0F 18 /0'],
  syscall: [' : 0F 05'],
  rdtsc: [' : 0F 31'],
  cpuid: [' : 0F A2'],
  xgetbv: [' : 0F 01 D0'],
  je: jump(0x4),
  jne: jump(0x5),
  jl: jump(0xc),
  jge: jump(0xd),
  jle: jump(0xe),
  jg: jump(0xf),
  cmovl: ['r, r/mr : 0F 4C /r'],
  cmovg: ['r, r/mr : 0F 4F /r'],
} as const satisfies Record<string, readonly string[]>;

/** Vector loads, stores, broadcasts and permutations. */
const moves = {
  movups: ['x, x/m128 : 0F 10 /r', 'm128, x : 0F 11 /r'],
  vmovups: [
    'v, v/mv : VEX.0F.W0 10 /r',
    'mv, v : VEX.0F.W0 11 /r',
    'v{kz}, v/mv : EVEX.0F.W0 10 /r',
    'mv{k}, v : EVEX.0F.W0 11 /r',
  ],
  vmovaps: [
    'v, v/mv : VEX.0F.W0 28 /r',
    'mv, v : VEX.0F.W0 29 /r',
    'v{kz}, v/mv : EVEX.0F.W0 28 /r',
    'mv{k}, v : EVEX.0F.W0 29 /r',
  ],
  vmovss: [
    'x, m32 : VEX.LIG.F3.0F.W0 10 /r',
    'm32, x : VEX.LIG.F3.0F.W0 11 /r',
    'x, x, x : VEX.LIG.F3.0F.W0 10 /r',
    'x{kz}, m32 : EVEX.LIG.F3.0F.W0 10 /r',
    'm32{k}, x : EVEX.LIG.F3.0F.W0 11 /r',
    'x{kz}, x, x : EVEX.LIG.F3.0F.W0 10 /r',
  ],
  vmovd: [
    'x, r32/m32 : VEX.128.66.0F.W0 6E /r',
    'r32/m32, x : VEX.128.66.0F.W0 7E /r',
    'x, r32/m32 : EVEX.128.66.0F.W0 6E /r',
    'r32/m32, x : EVEX.128.66.0F.W0 7E /r',
  ],

  vbroadcastss: ['v, x/m32 : VEX.66.0F38.W0 18 /r', 'v{kz}, x/m32 : EVEX.66.0F38.W0 18 /r'],
  vpbroadcastd: [
    'v, x/m32 : VEX.66.0F38.W0 58 /r',
    'v{kz}, x/m32 : EVEX.66.0F38.W0 58 /r',
    'v{kz}, r32 : EVEX.66.0F38.W0 7C /r',
  ],

  vpbroadcastq: ['v, x/m64 : VEX.66.0F38.W0 59 /r', 'v{kz}, x/m64 : EVEX.66.0F38.W1 59 /r'],
  vmovq: ['m64, x : VEX.128.66.0F.W0 D6 /r'],

  vextractf128: ['x/m128, y, uimm8 : VEX.256.66.0F3A.W0 19 /r ib'],
  vextractf32x4: [
    'x/m128{kz}, y, uimm8 : EVEX.256.66.0F3A.W0 19 /r ib',
    'x/m128{kz}, z, uimm8 : EVEX.512.66.0F3A.W0 19 /r ib',
  ],
  vextractf64x4: ['y/m256{kz}, z, uimm8 : EVEX.512.66.0F3A.W1 1B /r ib'],

  vunpcklps: ['v, v, v/mv : VEX.0F.W0 14 /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 14 /r'],
  vunpckhps: ['v, v, v/mv : VEX.0F.W0 15 /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 15 /r'],
  vunpcklpd: ['v, v, v/mv : VEX.66.0F.W0 14 /r', 'v{kz}, v, v/mv/b64 : EVEX.66.0F.W1 14 /r'],
  vunpckhpd: ['v, v, v/mv : VEX.66.0F.W0 15 /r', 'v{kz}, v, v/mv/b64 : EVEX.66.0F.W1 15 /r'],
  vshufps: ['v, v, v/mv, uimm8 : VEX.0F.W0 C6 /r ib', 'v{kz}, v, v/mv/b32, uimm8 : EVEX.0F.W0 C6 /r ib'],
  vpshufd: ['v, v/mv, uimm8 : VEX.66.0F.W0 70 /r ib', 'v{kz}, v/mv/b32, uimm8 : EVEX.66.0F.W0 70 /r ib'],
  vpshufb: ['v, v, v/mv : VEX.66.0F38.W0 00 /r', 'v{kz}, v, v/mv : EVEX.66.0F38.W0 00 /r'],
  vpermilps: [
    'v, v/mv, uimm8 : VEX.66.0F3A.W0 04 /r ib',
    'v, v, v/mv : VEX.66.0F38.W0 0C /r',
    'v{kz}, v/mv/b32, uimm8 : EVEX.66.0F3A.W0 04 /r ib',
    'v{kz}, v, v/mv/b32 : EVEX.66.0F38.W0 0C /r',
  ],
  vpermd: [
    'y, y, y/m256 : VEX.256.66.0F38.W0 36 /r',
    'y{kz}, y, y/m256/b32 : EVEX.256.66.0F38.W0 36 /r',
    'z{kz}, z, z/m512/b32 : EVEX.512.66.0F38.W0 36 /r',
  ],

  vperm2f128: ['y, y, y/m256, uimm8 : VEX.256.66.0F3A.W0 06 /r ib'],
  vshuff32x4: ['z{kz}, z, z/m512/b32, uimm8 : EVEX.512.66.0F3A.W0 23 /r ib'],

  vblendvps: ['v, v, v/mv, v : VEX.66.0F3A.W0 4A /r /is4'],
  vblendmps: ['v{kz}, v, v/mv/b32 : EVEX.66.0F38.W0 65 /r'],

  vzeroupper: [' : VEX.128.0F.W0 77'],
} as const satisfies Record<string, readonly string[]>;

/** Vector arithmetic, logic, comparisons and conversions. The VEX form of vpdpbusd is another CPU feature, AVX-VNNI. */
const vectorArithmetic = {
  vaddps: ['v, v, v/mv : VEX.0F.W0 58 /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 58 /r'],
  vmulps: ['v, v, v/mv : VEX.0F.W0 59 /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 59 /r'],
  vsubps: ['v, v, v/mv : VEX.0F.W0 5C /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 5C /r'],
  vminps: ['v, v, v/mv : VEX.0F.W0 5D /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 5D /r'],
  vdivps: ['v, v, v/mv : VEX.0F.W0 5E /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 5E /r'],
  vmaxps: ['v, v, v/mv : VEX.0F.W0 5F /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 5F /r'],
  vsqrtps: ['v, v/mv : VEX.0F.W0 51 /r', 'v{kz}, v/mv/b32 : EVEX.0F.W0 51 /r'],

  vfmadd231ps: ['v, v, v/mv : VEX.66.0F38.W0 B8 /r', 'v{kz}, v, v/mv/b32 : EVEX.66.0F38.W0 B8 /r'],

  vandps: ['v, v, v/mv : VEX.0F.W0 54 /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 54 /r'],
  vorps: ['v, v, v/mv : VEX.0F.W0 56 /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 56 /r'],
  vxorps: ['v, v, v/mv : VEX.0F.W0 57 /r', 'v{kz}, v, v/mv/b32 : EVEX.0F.W0 57 /r'],
  vpand: ['v, v, v/mv : VEX.66.0F.W0 DB /r'],
  vpor: ['v, v, v/mv : VEX.66.0F.W0 EB /r'],
  vpandd: ['v{kz}, v, v/mv/b32 : EVEX.66.0F.W0 DB /r'],
  vpord: ['v{kz}, v, v/mv/b32 : EVEX.66.0F.W0 EB /r'],
  vpxord: ['v{kz}, v, v/mv/b32 : EVEX.66.0F.W0 EF /r'],

  vpslld: ['v, v, uimm8 : VEX.66.0F.W0 72 /6 ib', 'v{kz}, v/mv/b32, uimm8 : EVEX.66.0F.W0 72 /6 ib'],
  vpsrlw: ['v, v, uimm8 : VEX.66.0F.W0 71 /2 ib', 'v{kz}, v/mv, uimm8 : EVEX.66.0F.W0 71 /2 ib'],
  vpsrld: ['v, v, uimm8 : VEX.66.0F.W0 72 /2 ib', 'v{kz}, v/mv/b32, uimm8 : EVEX.66.0F.W0 72 /2 ib'],

  vpaddw: ['v, v, v/mv : VEX.66.0F.W0 FD /r', 'v{kz}, v, v/mv : EVEX.66.0F.W0 FD /r'],
  vpaddd: ['v, v, v/mv : VEX.66.0F.W0 FE /r', 'v{kz}, v, v/mv/b32 : EVEX.66.0F.W0 FE /r'],
  vpsubd: ['v, v, v/mv : VEX.66.0F.W0 FA /r', 'v{kz}, v, v/mv/b32 : EVEX.66.0F.W0 FA /r'],
  vpmaddwd: ['v, v, v/mv : VEX.66.0F.W0 F5 /r', 'v{kz}, v, v/mv : EVEX.66.0F.W0 F5 /r'],
  vpmaddubsw: ['v, v, v/mv : VEX.66.0F38.W0 04 /r', 'v{kz}, v, v/mv : EVEX.66.0F38.W0 04 /r'],
  vdpbf16ps: ['v{kz}, v, v/mv/b32 : EVEX.F3.0F38.W0 52 /r'],
  vpdpbusd: ['v{kz}, v, v/mv/b32 : EVEX.66.0F38.W0 50 /r'],
  vpdpwssd: ['v{kz}, v, v/mv/b32 : EVEX.66.0F38.W0 52 /r'],
  '{vex} vpdpwssd': ['v, v, v/mv : VEX.66.0F38.W0 52 /r'],
  '{vex} vpdpbusd': ['v, v, v/mv : VEX.66.0F38.W0 50 /r'],

  vcmpps: ['v, v, v/mv, uimm8 : VEX.0F.W0 C2 /r ib', 'k{k}, v, v/mv/b32, uimm8 : EVEX.0F.W0 C2 /r ib'],

  vcvtdq2ps: ['v, v/mv : VEX.0F.W0 5B /r', 'v{kz}, v/mv/b32 : EVEX.0F.W0 5B /r'],
  vcvtps2dq: ['v, v/mv : VEX.66.0F.W0 5B /r', 'v{kz}, v/mv/b32 : EVEX.66.0F.W0 5B /r'],
  vcvtph2ps: ['v, h/mh : VEX.66.0F38.W0 13 /r', 'v{kz}, h/mh : EVEX.66.0F38.W0 13 /r'],
  vcvtneps2bf16: ['h{kz}, v/mv/b32! : EVEX.F3.0F38.W0 72 /r'],

  vpmovzxbw: ['v, h/mh : VEX.66.0F38.W0 30 /r', 'v{kz}, h/mh : EVEX.66.0F38.W0 30 /r'],
  vpmovzxbd: ['v, q/mq : VEX.66.0F38.W0 31 /r', 'v{kz}, q/mq : EVEX.66.0F38.W0 31 /r'],
  vpmovzxwd: ['v, h/mh : VEX.66.0F38.W0 33 /r', 'v{kz}, h/mh : EVEX.66.0F38.W0 33 /r'],
  vpmovsxbw: ['v, h/mh : VEX.66.0F38.W0 20 /r', 'v{kz}, h/mh : EVEX.66.0F38.W0 20 /r'],
  vpmovdw: ['h/mh{kz}, v : EVEX.F3.0F38.W0 33 /r'],
  vpmovdb: ['q/mq{kz}, v : EVEX.F3.0F38.W0 31 /r'],
  vpmovsdb: ['q/mq{kz}, v : EVEX.F3.0F38.W0 21 /r'],
  vpackssdw: ['v, v, v/mv : VEX.66.0F.W0 6B /r', 'v{kz}, v, v/mv/b32 : EVEX.66.0F.W0 6B /r'],
  vpackusdw: ['v, v, v/mv : VEX.66.0F38.W0 2B /r', 'v{kz}, v, v/mv/b32 : EVEX.66.0F38.W0 2B /r'],
  vpacksswb: ['v, v, v/mv : VEX.66.0F.W0 63 /r', 'v{kz}, v, v/mv : EVEX.66.0F.W0 63 /r'],
} as const satisfies Record<string, readonly string[]>;

/** AMX: memory of tiles has an index register, which is the distance of their rows. */
const tiles = {
  ldtilecfg: ['mem : VEX.128.0F38.W0 49 /0'],
  tilerelease: [' : VEX.128.0F38.W0 49 C0'],
  tilezero: ['t : VEX.128.F2.0F38.W0 49 11:rrr:000'],
  tileloadd: ['t, sib : VEX.128.F2.0F38.W0 4B /r'],
  tilestored: ['sib, t : VEX.128.F3.0F38.W0 4B /r'],
  tdpbf16ps: ['t, t, t : VEX.128.F3.0F38.W0 5C 11:rrr:bbb'],
} as const satisfies Record<string, readonly string[]>;

export type Mnemonic =
  | keyof typeof general
  | keyof typeof moves
  | keyof typeof vectorArithmetic
  | keyof typeof tiles;

/** Table rows by mnemonic, in order of preference. */
export const instructionTable: Readonly<Record<Mnemonic, readonly string[]>> = {
  ...general,
  ...moves,
  ...vectorArithmetic,
  ...tiles,
};

const parsedForms = new Map<Mnemonic, readonly InstructionForm[]>();

/** The forms of an instruction; rows are read at first use. */
export function instructionForms(mnemonic: Mnemonic): readonly InstructionForm[] {
  let forms = parsedForms.get(mnemonic);
  if (forms === undefined) {
    forms = instructionTable[mnemonic].flatMap(parseInstructionForms);
    parsedForms.set(mnemonic, forms);
  }
  return forms;
}
