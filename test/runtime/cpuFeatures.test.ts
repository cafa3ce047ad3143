import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isaName, X64_LEVELS } from '../../src/jit/x64/features.js';
import {
  CPUID_WORDS,
  describeCpu,
  detectCpuFeatures,
  detectX64Levels,
} from '../../src/runtime/cpuFeatures.js';
import { loadNative } from '../../src/runtime/system/loadNative.js';
import type { Native } from '../../src/runtime/system/native.js';

const native = await loadNative();
const skip = typeof native === 'string' && native;

/** A CPU that answers with these words. */
function cpu(
  words: Partial<Record<keyof typeof CPUID_WORDS, number>>,
  requestTiles?: Native['requestTiles'],
): Native {
  const memory = new ArrayBuffer(4096);
  return {
    reserve: () => 0,
    release: () => {},
    seal: () => {},
    ...(requestTiles && { requestTiles }),
    view: () => memory,
    functionAt: () => ({
      call: () => {
        const answer = new Int32Array(memory);
        for (const [name, value] of Object.entries(words)) answer[CPUID_WORDS[name as 'xcr0']] = value;
      },
      callAsync: () => Promise.resolve(),
    }),
  } as unknown as Native;
}

/** Intel manual, volume 2A, CPUID: FMA, OSXSAVE, AVX, F16C; AVX2; AVX-512 F, BW, VL; VNNI; AVX-VNNI, BF16. */
const LEAF1 = (1 << 12) | (1 << 27) | (1 << 28) | (1 << 29);
const AVX2 = 1 << 5;
const AVX512 = (1 << 16) | (1 << 30) | (1 << 31);
const VNNI = 1 << 11;
const AVX_VNNI = 1 << 4;
const BF16 = 1 << 5;

const ZEN4 = {
  maxLeaf: 16,
  leaf1Ecx: LEAF1,
  leaf7Ebx: AVX2 | AVX512,
  leaf7Ecx: VNNI,
  leaf7Subleaf1Eax: BF16,
  xcr0: 0b1110_0111,
};

test('levels follow from the bits of the manual', () => {
  assert.deepEqual(detectX64Levels(cpu(ZEN4)), ['avx2', 'avx512f', 'avx512bf16']);
  assert.deepEqual(detectX64Levels(cpu({ ...ZEN4, leaf7Subleaf1Eax: 0 })), ['avx2', 'avx512f']);
  assert.deepEqual(detectX64Levels(cpu({ ...ZEN4, leaf7Ecx: 0 })), ['avx2', 'avx512f']);
  assert.deepEqual(detectX64Levels(cpu({ ...ZEN4, leaf7Ebx: AVX2 | (1 << 16) })), ['avx2']);
  assert.deepEqual(detectX64Levels(cpu({ ...ZEN4, leaf7Ebx: AVX512 })), []);
});

test('features beside the levels follow from the bits of the manual, too', () => {
  const zen4 = { avx2: true, avx512: true, vnni: true, avxVnni: false, bf16: true, amx: false };
  assert.deepEqual(detectCpuFeatures(cpu(ZEN4)), zen4);
  // Cascade Lake: VNNI without BF16; Alder Lake: AVX-VNNI without AVX-512, whose state the system does not save.
  const cascadeLake = detectCpuFeatures(cpu({ ...ZEN4, leaf7Subleaf1Eax: 0 }));
  assert.deepEqual(cascadeLake, { ...zen4, bf16: false });
  assert.equal(isaName(cascadeLake), 'avx512f+vnni');
  const alderLake = detectCpuFeatures(
    cpu({ ...ZEN4, leaf7Ebx: AVX2, leaf7Subleaf1Eax: AVX_VNNI, xcr0: 0b111 }),
  );
  const none = { avx512: false, vnni: false, bf16: false, amx: false };
  assert.deepEqual(alderLake, { avx2: true, ...none, avxVnni: true });
  assert.equal(isaName(alderLake), 'avx2+avxvnni');
});

test('a level counts only where the system saves its registers', () => {
  assert.deepEqual(detectX64Levels(cpu({ ...ZEN4, xcr0: 0b111 })), ['avx2']);
  assert.deepEqual(detectX64Levels(cpu({ ...ZEN4, xcr0: 0b011 })), []);
});

/** AMX-BF16 and AMX-TILE; the state of tiles and of their shapes. */
const SAPPHIRE_RAPIDS = { ...ZEN4, leaf7Edx: (1 << 22) | (1 << 24), xcr0: 0b110_0000_0000_1110_0111 };

test('tiles count where the processor has them, the system saves them and this process may use them', () => {
  const levels = ['avx2', 'avx512f', 'avx512bf16'];
  assert.deepEqual(detectX64Levels(cpu(SAPPHIRE_RAPIDS, () => true)), [...levels, 'amx']);
  assert.deepEqual(detectX64Levels(cpu(SAPPHIRE_RAPIDS, () => false)), levels);
  assert.deepEqual(detectX64Levels(cpu(SAPPHIRE_RAPIDS)), levels);
  for (const lacking of [{ leaf7Edx: 1 << 22 }, { leaf7Edx: 1 << 24 }, { xcr0: ZEN4.xcr0 | (1 << 17) }]) {
    const system = cpu({ ...SAPPHIRE_RAPIDS, ...lacking }, () => assert.fail('nobody asks without tiles'));
    assert.deepEqual(detectX64Levels(system), levels);
  }
});

test('an old or unknown CPU has no level', () => {
  assert.deepEqual(detectX64Levels(cpu({})), []);
  assert.deepEqual(detectX64Levels(cpu({ ...ZEN4, maxLeaf: 6 })), []);
  for (const bit of [12, 28, 29]) {
    assert.deepEqual(
      detectX64Levels(cpu({ ...ZEN4, leaf1Ecx: LEAF1 & ~(1 << bit) })),
      [],
      `without bit ${bit}`,
    );
  }
});

/** EAX, EBX and ECX of a cache: the Intel manual, volume 2A, CPUID leaf 4; AMD's 0x8000001D has the same bits. */
function cache(level: number, type: number, ways: number, sets: number): number[] {
  return [(level << 5) | type, ((ways - 1) << 22) | 63, sets - 1];
}

/** A CPU whose description of its caches begins at a word. */
function withCaches(
  words: Partial<typeof ZEN4> & object,
  first: number,
  caches: readonly number[][],
): Native {
  const described = cpu(words);
  const bytes = described.view(0, 4096);
  const { functionAt } = described;
  return {
    ...described,
    functionAt: (address, parameters) => {
      const code = functionAt(address, parameters);
      const call = (): void => {
        code.call(0);
        new Int32Array(bytes).set(caches.flat(), first);
      };
      return { ...code, call };
    },
  };
}

test("caches are those of the maker's leaf: the first for data, the second for all", () => {
  // Granite Rapids: 48 KiB of 12 ways for data, 64 KiB for instructions, 2 MiB of 16 ways, an L3.
  const caches = [cache(1, 1, 12, 64), cache(1, 2, 16, 64), cache(2, 3, 16, 2048), cache(3, 3, 16, 1 << 20)];
  const intel = withCaches({ ...ZEN4, maker: 0x756e6547 } as never, CPUID_WORDS.intelCaches, caches);
  assert.deepEqual(describeCpu(intel), { isIntel: true, l1Bytes: 48 * 1024, l2Bytes: 2 * 2 ** 20 });
  // Zen 4: 32 KiB of 8 ways, 1 MiB of 8 ways.
  const zen4 = [cache(1, 1, 8, 64), cache(1, 2, 8, 64), cache(2, 3, 8, 2048), [0, 0, 0]];
  const amd = { ...ZEN4, maker: 0x68747541, maxExtendedLeaf: 0x80000028 | 0 };
  const found = { isIntel: false, l1Bytes: 32 * 1024, l2Bytes: 2 ** 20 };
  assert.deepEqual(describeCpu(withCaches(amd as never, CPUID_WORDS.amdCaches, zen4)), found);
});

test('caches that are not described, or cannot be, are unknown', () => {
  const unknown = { isIntel: false, l1Bytes: null, l2Bytes: null };
  const zen4 = [cache(1, 1, 8, 64), cache(2, 3, 8, 2048)];
  const old = { ...ZEN4, maxExtendedLeaf: 0x80000008 | 0 };
  assert.deepEqual(describeCpu(withCaches(old as never, CPUID_WORDS.amdCaches, zen4)), unknown);
  const odd = [cache(1, 1, 1, 1), cache(2, 3, 1024, 1 << 30)]; // 64 bytes; more than there is
  const virtual = { ...ZEN4, maxExtendedLeaf: 0x80000028 | 0 };
  assert.deepEqual(describeCpu(withCaches(virtual as never, CPUID_WORDS.amdCaches, odd)), unknown);
});

test('this CPU has the levels that the system lists', { skip }, () => {
  const flags = new Set(/^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))![1]!.split(' '));
  const needed = {
    avx2: ['avx2', 'fma', 'f16c'],
    avx512f: ['avx512f', 'avx512bw', 'avx512vl'],
    avx512bf16: ['avx512_bf16', 'avx512_vnni'],
    amx: ['amx_tile', 'amx_bf16'],
  };
  const missing = X64_LEVELS.findIndex((level) => !needed[level].every((flag) => flags.has(flag)));
  const expected = X64_LEVELS.slice(0, missing < 0 ? undefined : missing);
  const found = detectX64Levels(native as Native);
  // A sandbox may refuse the tiles that a processor has.
  if (expected.at(-1) === 'amx' && found.at(-1) !== 'amx') expected.pop();
  assert.deepEqual(found, expected);
});
