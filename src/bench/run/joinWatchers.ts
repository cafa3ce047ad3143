import type { MeasurementWatcher } from './measurement.js';

/** One watcher that tells all of them, in their order. */
export function joinWatchers(
  watchers: readonly MeasurementWatcher[],
  signal: AbortSignal | undefined,
): MeasurementWatcher {
  const tell = (event: (watcher: MeasurementWatcher) => void): void => {
    for (const watcher of watchers) event(watcher);
  };
  return {
    signal,
    onBackend: (...event) => tell((one) => one.onBackend?.(...event)),
    onReady: (...event) => tell((one) => one.onReady?.(...event)),
    onCeilings: (...event) => tell((one) => one.onCeilings?.(...event)),
    onWarmupStart: (...event) => tell((one) => one.onWarmupStart?.(...event)),
    onWarmup: (...event) => tell((one) => one.onWarmup?.(...event)),
    onWarmupEnd: (...event) => tell((one) => one.onWarmupEnd?.(...event)),
    onRun: (...event) => tell((one) => one.onRun?.(...event)),
    onError: (...event) => tell((one) => one.onError?.(...event)),
  };
}
