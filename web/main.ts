import { Engine } from './engine/engine.js';
import { openAlignerPanel } from './panels/alignerPanel.js';
import { openAudioPanel } from './panels/audioPanel.js';
import { openBenchPanel } from './panels/benchPanel.js';
import { openHubPanel } from './panels/hubPanel.js';
import { openLivePanel } from './panels/livePanel.js';
import { openEnvironmentPanel, openModelPanel } from './panels/modelPanel.js';
import { PageState } from './panels/page.js';
import { openTranscribePanel } from './panels/transcribePanel.js';
import { TranscriptResult } from './panels/transcriptResult.js';

/* The program of the page. */

const engine = new Engine();
const state = new PageState();
openEnvironmentPanel(state);
const result = new TranscriptResult();
openTranscribePanel(engine, state, result);
openLivePanel(engine, state, result);
openBenchPanel(engine, state);
openAudioPanel(state);
openAlignerPanel(engine, state);
openModelPanel(engine, state);
openHubPanel(engine, state, '');
openHubPanel(engine, state, 'aligner-');
