#!/usr/bin/env node
import { benchProgram } from './benchProgram.js';
import { runCommand } from './runCommand.js';

await runCommand(benchProgram);
