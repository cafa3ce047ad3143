import { type Koffi, OFF_HEAP_WORDS } from './native.js';

/** Constants of winnt.h. */
const TOKEN_QUERY = 0x8;
const TOKEN_ADJUST_PRIVILEGES = 0x20;
const SE_PRIVILEGE_ENABLED = 2;
const PRIVILEGE_SET_ALL_NECESSARY = 1;
const THIS_PROCESS = -1;

/**
 * Takes up the right to lock memory, if this account has it: it is off in every process until it is asked for.
 *
 * @returns whether it is on now
 */
export function takeLockPrivilege(koffi: Koffi): boolean {
  const advapi32 = koffi.load('advapi32.dll');
  const openToken = advapi32.func('OpenProcessToken', 'int', ['intptr_t', 'uint32_t', 'void *']);
  const lookUp = advapi32.func('LookupPrivilegeValueW', 'int', ['str16', 'str16', 'void *']);
  const adjust = advapi32.func('AdjustTokenPrivileges', 'int', [
    'intptr_t',
    'int',
    'void *',
    'uint32_t',
    'uintptr_t',
    'uintptr_t',
  ]);
  const check = advapi32.func('PrivilegeCheck', 'int', ['intptr_t', 'void *', 'void *']);
  const closeHandle = koffi.load('kernel32.dll').func('CloseHandle', 'int', ['intptr_t']);
  const token = new BigInt64Array(OFF_HEAP_WORDS);
  if (openToken(THIS_PROCESS, TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, token) === 0) return false;
  try {
    const luid = new Uint32Array(2 * OFF_HEAP_WORDS);
    if (lookUp(null, 'SeLockMemoryPrivilege', luid) === 0) return false;
    const [low, high] = luid as unknown as [number, number];
    // TOKEN_PRIVILEGES: count, LUID, attributes. It succeeds too where nothing was granted, so that is asked for.
    adjust(token[0], 0, Uint32Array.of(1, low, high, SE_PRIVILEGE_ENABLED), 0, 0, 0);
    const isOn = new Uint32Array(2 * OFF_HEAP_WORDS);
    const wanted = Uint32Array.of(1, PRIVILEGE_SET_ALL_NECESSARY, low, high, SE_PRIVILEGE_ENABLED);
    return check(token[0], wanted, isOn) !== 0 && isOn[0] !== 0;
  } finally {
    closeHandle(token[0]);
  }
}
