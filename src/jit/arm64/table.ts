import { type InstructionForm, parseInstructionForm } from './forms.js';

/*
 * Every instruction that the assembler knows, one line a form: `operands : bits`, as in the Arm Architecture Reference
 * Manual, part C (read by forms.ts). Names are those of the instructions, not of their aliases: `subs` is `cmp`, too.
 */

/** Integers, control flow and the system. */
const general = {
  add: [
    'Xd/sp, Xn/sp, #i : 1001000100 iiiiiiiiiiii nnnnn ddddd',
    'Xd/sp, Xn/sp, #i*4096 : 1001000101 iiiiiiiiiiii nnnnn ddddd',
    'Xd, Xn, Xm : 10001011000 mmmmm 000000 nnnnn ddddd',
    'Vd.4s, Vn.4s, Vm.4s : 01001110101 mmmmm 100001 nnnnn ddddd',
  ],
  sub: [
    'Xd/sp, Xn/sp, #i : 1101000100 iiiiiiiiiiii nnnnn ddddd',
    'Xd/sp, Xn/sp, #i*4096 : 1101000101 iiiiiiiiiiii nnnnn ddddd',
    'Xd, Xn, Xm : 11001011000 mmmmm 000000 nnnnn ddddd',
    'Vd.4s, Vn.4s, Vm.4s : 01101110101 mmmmm 100001 nnnnn ddddd',
  ],
  adds: ['Xd, Xn/sp, #i : 1011000100 iiiiiiiiiiii nnnnn ddddd'],
  subs: [
    'Xd, Xn/sp, #i : 1111000100 iiiiiiiiiiii nnnnn ddddd',
    'Xd, Xn, Xm : 11101011000 mmmmm 000000 nnnnn ddddd',
    'Wd, Wn, Wm : 01101011000 mmmmm 000000 nnnnn ddddd',
  ],
  and: [
    'Xd, Xn, Xm : 10001010000 mmmmm 000000 nnnnn ddddd',
    'Vd.16b, Vn.16b, Vm.16b : 01001110001 mmmmm 000111 nnnnn ddddd',
  ],
  orr: [
    'Xd, Xn, Xm : 10101010000 mmmmm 000000 nnnnn ddddd',
    'Vd.16b, Vn.16b, Vm.16b : 01001110101 mmmmm 000111 nnnnn ddddd',
  ],
  madd: ['Xd, Xn, Xm, Xa : 10011011000 mmmmm 0 aaaaa nnnnn ddddd'],
  msub: ['Xd, Xn, Xm, Xa : 10011011000 mmmmm 1 aaaaa nnnnn ddddd'],
  udiv: ['Xd, Xn, Xm : 10011010110 mmmmm 000010 nnnnn ddddd'],
  lslv: ['Xd, Xn, Xm : 10011010110 mmmmm 001000 nnnnn ddddd'],
  lsrv: ['Xd, Xn, Xm : 10011010110 mmmmm 001001 nnnnn ddddd'],
  ubfm: ['Xd, Xn, #r, #s : 1101001101 rrrrrr ssssss nnnnn ddddd'],
  sbfm: ['Xd, Xn, #r, #s : 1001001101 rrrrrr ssssss nnnnn ddddd'],
  csel: ['Xd, Xn, Xm, cond:c : 10011010100 mmmmm cccc 00 nnnnn ddddd'],
  clz: ['Xd, Xn : 1101101011000000000100 nnnnn ddddd'],
  movz: ['Xd, #i, lsl #h*16 : 110100101 hh iiiiiiiiiiiiiiii ddddd'],
  movn: ['Xd, #i, lsl #h*16 : 100100101 hh iiiiiiiiiiiiiiii ddddd'],
  movk: ['Xd, #i, lsl #h*16 : 111100101 hh iiiiiiiiiiiiiiii ddddd'],
  b: ['label:i : 000101 iiiiiiiiiiiiiiiiiiiiiiiiii'],
  'b.': ['cond:c, label:i : 01010100 iiiiiiiiiiiiiiiiiii 0 cccc'],
  cbz: ['Xt, label:i : 10110100 iiiiiiiiiiiiiiiiiii ttttt'],
  cbnz: [
    'Xt, label:i : 10110101 iiiiiiiiiiiiiiiiiii ttttt',
    'Wt, label:i : 00110101 iiiiiiiiiiiiiiiiiii ttttt',
  ],
  br: ['Xn : 1101011000011111000000 nnnnn 00000'],
  blr: ['Xn : 1101011000111111000000 nnnnn 00000'],
  ret: [' : 11010110010111110000001111000000'],
  svc: ['#i : 11010100000 iiiiiiiiiiiiiiii 00001'],
  isb: [' : 11010101000000110011111111011111'],
  dsb: ['ish : 11010101000000110011101110011111'],
  mrs: [
    'Xt, cntvct_el0 : 110101010011101111100000010 ttttt',
    'Xt, cntfrq_el0 : 110101010011101111100000000 ttttt',
    'Xt, ctr_el0 : 110101010011101100000000001 ttttt',
  ],
  dc: ['cvau, Xt : 110101010000101101111011001 ttttt'],
  ic: ['ivau, Xt : 110101010000101101110101001 ttttt'],
} as const satisfies Record<string, readonly string[]>;

/** Loads, stores, prefetches, and what is atomic. */
const memory = {
  ldr: [
    'Xt, [Xn/sp, #i*8] : 1111100101 iiiiiiiiiiii nnnnn ttttt',
    'Xt, [Xn, Xm] : 11111000011 mmmmm 011010 nnnnn ttttt',
    'Wt, [Xn/sp, #i*4] : 1011100101 iiiiiiiiiiii nnnnn ttttt',
    'Wt, [Xn, Xm] : 10111000011 mmmmm 011010 nnnnn ttttt',
    'Qt, [Xn/sp, #i*16] : 0011110111 iiiiiiiiiiii nnnnn ttttt',
    'Qt, [Xn, Xm] : 00111100111 mmmmm 011010 nnnnn ttttt',
    'Qt, label:i : 10011100 iiiiiiiiiiiiiiiiiii ttttt',
    'Dt, [Xn/sp, #i*8] : 1111110101 iiiiiiiiiiii nnnnn ttttt',
    'Dt, [Xn, Xm] : 11111100011 mmmmm 011010 nnnnn ttttt',
    'St, [Xn/sp, #i*4] : 1011110101 iiiiiiiiiiii nnnnn ttttt',
    'St, [Xn, Xm] : 10111100011 mmmmm 011010 nnnnn ttttt',
  ],
  ldur: [
    'Xt, [Xn/sp, #i:signed] : 11111000010 iiiiiiiii 00 nnnnn ttttt',
    'Wt, [Xn/sp, #i:signed] : 10111000010 iiiiiiiii 00 nnnnn ttttt',
    'Qt, [Xn/sp, #i:signed] : 00111100110 iiiiiiiii 00 nnnnn ttttt',
    'Dt, [Xn/sp, #i:signed] : 11111100010 iiiiiiiii 00 nnnnn ttttt',
    'St, [Xn/sp, #i:signed] : 10111100010 iiiiiiiii 00 nnnnn ttttt',
  ],
  str: [
    'Xt, [Xn/sp, #i*8] : 1111100100 iiiiiiiiiiii nnnnn ttttt',
    'Xt, [Xn, Xm] : 11111000001 mmmmm 011010 nnnnn ttttt',
    'Wt, [Xn/sp, #i*4] : 1011100100 iiiiiiiiiiii nnnnn ttttt',
    'Wt, [Xn, Xm] : 10111000001 mmmmm 011010 nnnnn ttttt',
    'Qt, [Xn/sp, #i*16] : 0011110110 iiiiiiiiiiii nnnnn ttttt',
    'Qt, [Xn, Xm] : 00111100101 mmmmm 011010 nnnnn ttttt',
    'Dt, [Xn/sp, #i*8] : 1111110100 iiiiiiiiiiii nnnnn ttttt',
    'Dt, [Xn, Xm] : 11111100001 mmmmm 011010 nnnnn ttttt',
    'St, [Xn/sp, #i*4] : 1011110100 iiiiiiiiiiii nnnnn ttttt',
    'St, [Xn, Xm] : 10111100001 mmmmm 011010 nnnnn ttttt',
  ],
  stur: [
    'Xt, [Xn/sp, #i:signed] : 11111000000 iiiiiiiii 00 nnnnn ttttt',
    'Wt, [Xn/sp, #i:signed] : 10111000000 iiiiiiiii 00 nnnnn ttttt',
    'Qt, [Xn/sp, #i:signed] : 00111100100 iiiiiiiii 00 nnnnn ttttt',
    'Dt, [Xn/sp, #i:signed] : 11111100000 iiiiiiiii 00 nnnnn ttttt',
    'St, [Xn/sp, #i:signed] : 10111100000 iiiiiiiii 00 nnnnn ttttt',
  ],
  ldrsw: [
    'Xt, [Xn/sp, #i*4] : 1011100110 iiiiiiiiiiii nnnnn ttttt',
    'Xt, [Xn, Xm] : 10111000101 mmmmm 011010 nnnnn ttttt',
  ],
  ldursw: ['Xt, [Xn/sp, #i:signed] : 10111000100 iiiiiiiii 00 nnnnn ttttt'],
  ldrh: [
    'Wt, [Xn/sp, #i*2] : 0111100101 iiiiiiiiiiii nnnnn ttttt',
    'Wt, [Xn, Xm] : 01111000011 mmmmm 011010 nnnnn ttttt',
  ],
  ldurh: ['Wt, [Xn/sp, #i:signed] : 01111000010 iiiiiiiii 00 nnnnn ttttt'],
  strh: [
    'Wt, [Xn/sp, #i*2] : 0111100100 iiiiiiiiiiii nnnnn ttttt',
    'Wt, [Xn, Xm] : 01111000001 mmmmm 011010 nnnnn ttttt',
  ],
  sturh: ['Wt, [Xn/sp, #i:signed] : 01111000000 iiiiiiiii 00 nnnnn ttttt'],
  ldp: [
    'Xt, Xa, [Xn/sp, #i:signed*8] : 1010100101 iiiiiii aaaaa nnnnn ttttt',
    'Xt, Xa, [Xn/sp],#i:signed*8 : 1010100011 iiiiiii aaaaa nnnnn ttttt',
    'Dt, Da, [Xn/sp, #i:signed*8] : 0110110101 iiiiiii aaaaa nnnnn ttttt',
  ],
  stp: [
    'Xt, Xa, [Xn/sp, #i:signed*8] : 1010100100 iiiiiii aaaaa nnnnn ttttt',
    'Xt, Xa, [Xn/sp, #i:signed*8]! : 1010100110 iiiiiii aaaaa nnnnn ttttt',
    'Dt, Da, [Xn/sp, #i:signed*8] : 0110110100 iiiiiii aaaaa nnnnn ttttt',
  ],
  ld1r: [
    '{Vt.4s}, [Xn/sp] : 0100110101000000110010 nnnnn ttttt',
    '{Vt.2d}, [Xn/sp] : 0100110101000000110011 nnnnn ttttt',
  ],
  prfm: [
    'pldl1keep, [Xn/sp, #i*8] : 1111100110 iiiiiiiiiiii nnnnn 00000',
    'pldl1strm, [Xn/sp, #i*8] : 1111100110 iiiiiiiiiiii nnnnn 00001',
    'pldl2keep, [Xn/sp, #i*8] : 1111100110 iiiiiiiiiiii nnnnn 00010',
  ],
  ldar: ['Wt, [Xn/sp] : 1000100011011111111111 nnnnn ttttt'],
  stlr: ['Wt, [Xn/sp] : 1000100010011111111111 nnnnn ttttt'],
  ldaxr: ['Wt, [Xn/sp] : 1000100001011111111111 nnnnn ttttt'],
  stlxr: ['Ws, Wt, [Xn/sp] : 10001000000 sssss 111111 nnnnn ttttt'],
  ldaddal: ['Ws, Wt, [Xn/sp] : 10111000111 sssss 000000 nnnnn ttttt'],
} as const satisfies Record<string, readonly string[]>;

/** Arithmetic, comparison and selection of f32 lanes. */
const floats = {
  fadd: ['Vd.4s, Vn.4s, Vm.4s : 01001110001 mmmmm 110101 nnnnn ddddd'],
  fsub: ['Vd.4s, Vn.4s, Vm.4s : 01001110101 mmmmm 110101 nnnnn ddddd'],
  fmul: ['Vd.4s, Vn.4s, Vm.4s : 01101110001 mmmmm 110111 nnnnn ddddd'],
  fdiv: ['Vd.4s, Vn.4s, Vm.4s : 01101110001 mmmmm 111111 nnnnn ddddd'],
  fmla: [
    'Vd.4s, Vn.4s, Vm.4s : 01001110001 mmmmm 110011 nnnnn ddddd',
    'Vd.4s, Vn.4s, Vm.s[hl] : 0100111110 l mmmmm 0001 h 0 nnnnn ddddd',
  ],
  fsqrt: ['Vd.4s, Vn.4s : 0110111010100001111110 nnnnn ddddd'],
  faddp: ['Vd.4s, Vn.4s, Vm.4s : 01101110001 mmmmm 110101 nnnnn ddddd'],
  fmaxp: ['Vd.4s, Vn.4s, Vm.4s : 01101110001 mmmmm 111101 nnnnn ddddd'],
  fcmeq: ['Vd.4s, Vn.4s, Vm.4s : 01001110001 mmmmm 111001 nnnnn ddddd'],
  fcmge: ['Vd.4s, Vn.4s, Vm.4s : 01101110001 mmmmm 111001 nnnnn ddddd'],
  fcmgt: ['Vd.4s, Vn.4s, Vm.4s : 01101110101 mmmmm 111001 nnnnn ddddd'],
  fcvtns: ['Vd.4s, Vn.4s : 0100111000100001101010 nnnnn ddddd'],
  scvtf: ['Vd.4s, Vn.4s : 0100111000100001110110 nnnnn ddddd'],
  fcvtl: ['Vd.4s, Vn.4h : 0000111000100001011110 nnnnn ddddd'],
  bfcvtn: ['Vd.4h, Vn.4s : 0000111010100001011010 nnnnn ddddd'],
  bfmmla: ['Vd.4s, Vn.8h, Vm.8h : 01101110010 mmmmm 111011 nnnnn ddddd'],
  bfdot: ['Vd.4s, Vn.8h, Vm.8h : 01101110010 mmmmm 111111 nnnnn ddddd'],
} as const satisfies Record<string, readonly string[]>;

/** Bits and integers in lanes. */
const lanes = {
  orn: ['Vd.16b, Vn.16b, Vm.16b : 01001110111 mmmmm 000111 nnnnn ddddd'],
  eor: ['Vd.16b, Vn.16b, Vm.16b : 01101110001 mmmmm 000111 nnnnn ddddd'],
  bsl: ['Vd.16b, Vn.16b, Vm.16b : 01101110011 mmmmm 000111 nnnnn ddddd'],
  shl: ['Vd.4s, Vn.4s, #i : 01001111001 iiiii 010101 nnnnn ddddd'],
  ushr: [
    'Vd.4s, Vn.4s, #32-i : 01101111001 iiiii 000001 nnnnn ddddd',
    'Vd.16b, Vn.16b, #8-i : 0110111100001 iii 000001 nnnnn ddddd',
  ],
  shll: ['Vd.4s, Vn.4h, #16 : 0010111001100001001110 nnnnn ddddd'],
  shll2: ['Vd.4s, Vn.8h, #16 : 0110111001100001001110 nnnnn ddddd'],
  ushll: [
    'Vd.8h, Vn.8b, #i : 0010111100001 iii 101001 nnnnn ddddd',
    'Vd.4s, Vn.4h, #i : 001011110001 iiii 101001 nnnnn ddddd',
  ],
  shrn: ['Vd.4h, Vn.4s, #16-i : 000011110001 iiii 100001 nnnnn ddddd'],
  xtn: [
    'Vd.8b, Vn.8h : 0000111000100001001010 nnnnn ddddd',
    'Vd.4h, Vn.4s : 0000111001100001001010 nnnnn ddddd',
  ],
  dup: ['Vd.4s, Wn : 0100111000000100000011 nnnnn ddddd'],
  movi: [
    'Vd.4s, #a : 0100111100000 aaa 000001 aaaaa ddddd',
    'Vd.4s, #a, msl #8 : 0100111100000 aaa 110001 aaaaa ddddd',
    'Vd.16b, #a : 0100111100000 aaa 111001 aaaaa ddddd',
  ],
  zip1: [
    'Vd.4s, Vn.4s, Vm.4s : 01001110100 mmmmm 001110 nnnnn ddddd',
    'Vd.2d, Vn.2d, Vm.2d : 01001110110 mmmmm 001110 nnnnn ddddd',
  ],
  zip2: [
    'Vd.4s, Vn.4s, Vm.4s : 01001110100 mmmmm 011110 nnnnn ddddd',
    'Vd.2d, Vn.2d, Vm.2d : 01001110110 mmmmm 011110 nnnnn ddddd',
  ],
  addp: ['Vd.4s, Vn.4s, Vm.4s : 01001110101 mmmmm 101111 nnnnn ddddd'],
  smull: ['Vd.4s, Vn.4h, Vm.4h : 00001110011 mmmmm 110000 nnnnn ddddd'],
  smull2: ['Vd.4s, Vn.8h, Vm.8h : 01001110011 mmmmm 110000 nnnnn ddddd'],
  sdot: [
    'Vd.4s, Vn.16b, Vm.16b : 01001110100 mmmmm 100101 nnnnn ddddd',
    'Vd.4s, Vn.16b, Vm.4b[hl] : 0100111110 l mmmmm 1110 h 0 nnnnn ddddd',
  ],
  usdot: [
    'Vd.4s, Vn.16b, Vm.16b : 01001110100 mmmmm 100111 nnnnn ddddd',
    'Vd.4s, Vn.16b, Vm.4b[hl] : 0100111110 l mmmmm 1111 h 0 nnnnn ddddd',
  ],
} as const satisfies Record<string, readonly string[]>;

const rows = { ...general, ...memory, ...floats, ...lanes };

export type Mnemonic = keyof typeof rows;

/** Table rows by mnemonic, in order of preference. */
export const instructionTable: Readonly<Record<Mnemonic, readonly string[]>> = rows;

const parsedForms = new Map<Mnemonic, readonly InstructionForm[]>();

/** The forms of an instruction; rows are read at first use. */
export function instructionForms(mnemonic: Mnemonic): readonly InstructionForm[] {
  let forms = parsedForms.get(mnemonic);
  if (forms === undefined) {
    forms = instructionTable[mnemonic].map(parseInstructionForm);
    parsedForms.set(mnemonic, forms);
  }
  return forms;
}
