#!/usr/bin/env node
import { asrCommand } from './asrCommand.js';
import { runCommand } from './runCommand.js';

await runCommand(asrCommand);
