import { elementById, showError } from '../panels/page.js';
import { askServer } from './askServer.js';
import { openLivePanel } from './livePanel.js';
import { ServedPage, type ServerFacts } from './servedPage.js';
import { TranscriptView } from './transcriptView.js';
import { openUploadPanel } from './uploadPanel.js';

/* The program of the page that a server gives out: it computes nothing by itself. */

async function open(): Promise<void> {
  const answer = await askServer('page/server.json', { key: null });
  const page = new ServedPage((await answer.json()) as ServerFacts);
  const view = new TranscriptView();
  openUploadPanel(page, view);
  openLivePanel(page, view);
  page.change();
}

open().catch((error) => showError(elementById('status', HTMLElement), error));
