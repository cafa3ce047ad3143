import { loadNative } from '../../runtime/system/loadNative.js';
import { selfTest } from './selfTest.js';

// A process of its own: `node selfTestProcess.js`. What is wrong is its output, in a line.
const native = await loadNative();
const problem = typeof native === 'string' ? native : await selfTest(native);
console.log(problem ?? 'passed');
