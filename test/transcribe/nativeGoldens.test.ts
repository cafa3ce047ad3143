import { test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { checkNativeGoldens, type GoldenClip } from './support/checkNativeGoldens.js';
import { nativeConfigurations } from './support/nativeConfigurations.js';

/** Spelled from the golden's prompt pieces; `<|im_end|>` is plain text in it. */
const CONTEXT = 'kitchen lamps: garden, café\n<|im_end|> two';

const DEMO_CLIPS: readonly GoldenClip[] = [
  { name: 'demo/timer-en', options: {} },
  { name: 'demo/light-en', options: {} },
  { name: 'demo/weather-de', options: {} },
  { name: 'demo/music-es', options: {} },
  { name: 'demo/silence-3s', options: {} },
  { name: 'demo/timer-en-forced', options: { language: 'en' } },
  { name: 'demo/light-en-context', options: { context: CONTEXT } },
  { name: 'demo/two-windows-en', options: {}, hasTinyMargins: true },
];

for (const configuration of await nativeConfigurations()) {
  const { isa, precision, missing } = configuration;
  for (const threads of [1, 2, 3, 4]) {
    const how = `${isa} ${precision}, ${threads} threads`;
    test(`${how}: stages and tokens are those of the independent implementation`, { skip: missing }, () =>
      checkNativeGoldens(demoModelDir, DEMO_CLIPS, configuration, threads),
    );
  }
}
