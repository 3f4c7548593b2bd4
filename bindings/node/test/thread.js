// One raw call on a thread that is new to the library.

import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';

const library = koffi.load(join(process.env.STELE_LIB, 'libstele.so'));
const call = library.func(`stele_${workerData.name}`, 'int32_t', Array(6).fill('uint64_t'));
parentPort.postMessage(call(...workerData.parameters));
