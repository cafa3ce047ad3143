import type { EndpointCellPlan, EndpointPlan } from '../plan/endpointPlan.js';
import { checkTool, type FinishedPart, resumeRefusal } from '../run/finishedPart.js';
import type { AudioRecord, BenchResult, CellSettings, ToolRecord } from '../schema/benchResult.js';
import { STORED_SETTINGS, settingOf, storedSettings } from '../settings/storedSettings.js';

/** What a level of a plan is measured with, as results store it. */
export function levelSettings(plan: EndpointPlan, cell: EndpointCellPlan): CellSettings {
  return storedSettings({
    plan: { runs: plan.requests, warmup: 0, delayMs: 0, isolated: false },
    ...{ cell, endpoint: plan, facts: null, modelId: null, audioId: 'a0' },
  });
}

/** The kind of the result of a plan. */
export function kindOfLoad({ levels }: EndpointPlan): BenchResult['kind'] {
  return levels.length > 1 ? 'sweep' : 'benchmark';
}

/**
 * The levels that an interrupted measurement has measured to their end. One that it was in the middle of is none of them:
 * its load has ended, so it begins anew.
 *
 * @throws QwenAsrError `compare` naming the first thing that was measured differently
 */
export function finishedLevels(
  { path, result }: FinishedPart,
  plan: EndpointPlan,
  audio: AudioRecord,
  tool: Pick<ToolRecord, 'version' | 'commit'>,
): ReadonlySet<string> {
  checkTool(path, result, tool);
  const kind = kindOfLoad(plan);
  if (result.kind !== kind) throw resumeRefusal(path, `a ${kind}`, `a ${result.kind}`);
  const [recorded = audio] = result.audio;
  if (recorded.hash !== audio.hash) throw resumeRefusal(path, 'the same audio', 'another');
  for (const { id, settings } of result.cells) {
    const planned = plan.levels.find((level) => level.id === id);
    if (planned === undefined)
      throw resumeRefusal(path, 'only levels of this command line', `the level ${id}`);
    const wanted = levelSettings(plan, planned);
    for (const setting of STORED_SETTINGS) {
      // Which model it is, the endpoint says later.
      if (setting.key === 'requestModel' && plan.model === null) continue;
      const [expected, found] = [settingOf(setting, wanted), settingOf(setting, settings)];
      if (expected === found) continue;
      throw resumeRefusal(path, `${setting.key} ${expected ?? 'none'} in ${id}`, String(found ?? 'none'));
    }
  }
  return new Set(result.cells.filter(({ complete }) => complete).map(({ id }) => id));
}
