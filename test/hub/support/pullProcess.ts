import { readHubSettings } from '../../../src/hub/hubSettings.js';
import { pullModel } from '../../../src/hub/pullModel.js';

// A process that pulls with small ranges, to be killed: `node pullProcess.js REPOSITORY`.
const [repository = ''] = process.argv.slice(2);
const { path } = await pullModel(readHubSettings(process.env), {
  repository,
  ranges: { rangeBytes: 16 * 1024, connections: 3 },
  patience: { retries: 3, retryDelayMs: 10, silenceMs: 20_000 },
});
process.stdout.write(`${path}\n`);
