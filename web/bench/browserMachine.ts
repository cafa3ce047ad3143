import { hashMachine } from '../../src/bench/schema/hashes.js';
import type { EnvironmentRecord, MachineRecord } from '../../src/bench/schema/machineRecord.js';
import type { ModelInfo } from '../../src/browser.js';
import type { BrowserEnvironment } from './environment.js';

/** User-agent client hints: Chromium has them on https addresses and this computer, others have none. */
interface ClientHints {
  readonly brands?: readonly { readonly brand: string; readonly version: string }[];
  readonly platform?: string;
  getHighEntropyValues?(hints: readonly string[]): Promise<{
    readonly architecture?: string;
    readonly bitness?: string;
    readonly platformVersion?: string;
  }>;
}

/** As Node calls them; others are left as the browser calls them. */
const PLATFORMS: Readonly<Record<string, string>> = { Linux: 'linux', macOS: 'darwin', Windows: 'win32' };
const ARCHITECTURES: Readonly<Record<string, string>> = { x86: 'x64', arm: 'arm64' };

/** The machine, as far as a browser tells: what it keeps to itself is null, 0 or `unknown`. */
export async function browserMachine(
  environment: BrowserEnvironment,
  { isa }: ModelInfo,
): Promise<MachineRecord> {
  const { userAgentData } = navigator as { userAgentData?: ClientHints };
  const hints = await userAgentData?.getHighEntropyValues?.(['architecture', 'bitness', 'platformVersion']);
  const architecture = hints?.bitness === '64' ? ARCHITECTURES[hints.architecture ?? ''] : undefined;
  const platform = environment.platform ?? '';
  const machine = {
    cpuModel: null,
    architecture: architecture ?? 'unknown',
    physicalCores: null,
    logicalCpus: environment.logicalProcessors ?? 0,
    isa: [isa],
    caches: null,
    memoryBytes: (environment.memoryGib ?? 0) * 2 ** 30,
    platform: PLATFORMS[platform] ?? (platform.toLowerCase() || 'unknown'),
    osName: platform === '' ? null : platform,
    kernel: hints?.platformVersion || 'unknown',
    node: browserName(environment.userAgent, userAgentData),
  };
  return { ...machine, hash: hashMachine(machine) };
}

/** `Chromium 156`, `Firefox 145`; the whole user agent where neither way tells. */
function browserName(userAgent: string, hints: ClientHints | undefined): string {
  const brand = hints?.brands?.find((one) => !/not.?a.?brand/i.test(one.brand));
  if (brand !== undefined) return `${brand.brand} ${brand.version}`;
  const named = /(Firefox|Edg|Chrome)\/(\d+)|Version\/(\d+)[^ ]* (Safari|Mobile)/.exec(userAgent);
  if (named === null) return userAgent;
  return named[1] === undefined ? `Safari ${named[3]}` : `${named[1]} ${named[2]}`;
}

/** Of the state of the machine a browser tells next to nothing. */
export function browserState({ logicalProcessors }: BrowserEnvironment): EnvironmentRecord {
  return {
    allowedCpus: logicalProcessors ?? 0,
    cgroupCpus: null,
    cgroupMemoryBytes: null,
    container: null,
    hypervisor: null,
    cpuGovernor: null,
    turbo: null,
    simultaneousMultithreading: null,
    transparentHugePages: null,
    numaNodes: null,
    nice: null,
    load1: null,
    freeMemoryBytes: null,
    variables: {},
  };
}
