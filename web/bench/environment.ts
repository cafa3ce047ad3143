import {
  type EnvironmentRecord,
  hashMachine,
  type MachineRecord,
} from '../../src/bench/schema/machineRecord.js';
import type { AlignerInfo, ModelInfo } from '../../src/browser.js';

/** What a browser tells about the machine it runs on; null where it does not. */
export interface BrowserEnvironment {
  readonly userAgent: string;
  readonly platform: string | null;
  readonly logicalProcessors: number | null;
  /** Rounded by the browser, at most 8 in most. */
  readonly memoryGib: number | null;
  /** Whether the page may share memory between threads. */
  readonly crossOriginIsolated: boolean;
}

/** Experimental properties that TypeScript's types leave out. */
interface MoreNavigator {
  readonly deviceMemory?: number;
  readonly userAgentData?: { readonly platform?: string };
}

export function browserEnvironment(): BrowserEnvironment {
  const more = navigator as MoreNavigator;
  return {
    userAgent: navigator.userAgent,
    platform: more.userAgentData?.platform ?? null,
    logicalProcessors: navigator.hardwareConcurrency ?? null,
    memoryGib: more.deviceMemory ?? null,
    crossOriginIsolated,
  };
}

/** The environment and the model in words: term and description. */
export function environmentFacts(
  environment: BrowserEnvironment,
  model: ModelInfo | null,
): (readonly [term: string, description: string])[] {
  const { platform, logicalProcessors, memoryGib, userAgent } = environment;
  const known: (readonly [string, string | null])[] = [
    ['browser', userAgent],
    ['platform', platform],
    ['logical processors', logicalProcessors === null ? null : String(logicalProcessors)],
    ['memory', memoryGib === null ? null : `at least ${memoryGib} GiB`],
    ['cross-origin isolated', environment.crossOriginIsolated ? 'yes' : 'no'],
    ['model', model === null ? null : modelSummary(model)],
    ['arithmetic', model === null ? null : `WebAssembly ${model.isa}, ${model.precision}`],
    ['threads', model === null ? null : String(model.threads)],
    ['loading took', model === null ? null : `${model.loadMs.toFixed(0)} ms`],
  ];
  return known.filter((entry): entry is readonly [string, string] => entry[1] !== null);
}

export function modelSummary({
  published,
  source,
  parameters,
  weightBytes,
}: ModelInfo | AlignerInfo): string {
  const size = `${(parameters / 1e6).toFixed(1)} million parameters, ${(weightBytes / 2 ** 20).toFixed(1)} MiB`;
  return `${published ?? source.split('/').at(-1)} (${size})`;
}

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
