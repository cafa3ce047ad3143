import type { ModelInfo } from '../../src/browser.js';

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
export function describeEnvironment(
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
    ['model', model === null ? null : describeModel(model)],
    ['arithmetic', model === null ? null : `WebAssembly ${model.isa}, ${model.precision}`],
    ['threads', model === null ? null : String(model.threads)],
    ['loading took', model === null ? null : `${model.loadMs.toFixed(0)} ms`],
  ];
  return known.filter((entry): entry is readonly [string, string] => entry[1] !== null);
}

export function describeModel({ published, source, parameters, weightBytes }: ModelInfo): string {
  const size = `${(parameters / 1e6).toFixed(1)} million parameters, ${(weightBytes / 2 ** 20).toFixed(1)} MiB`;
  return `${published ?? source.split('/').at(-1)} (${size})`;
}
