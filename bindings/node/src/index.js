// Stele for Node.js. Three floors: ./raw has the C functions, the handles (Store, Writer, Reader, Rows, Tail, Server) own one number each and check every call,
// and on top are the iterators (Events, Lines, Following).

import * as raw from './raw.js';
import { check } from './call.js';

export { SteleError } from './call.js';
export { Reader, Rows, Server, Tail, Writer } from './handles.js';
export { Event, Events, Following, Lines } from './iterators.js';
export { keyParts } from './key.js';
export { Store } from './store.js';

/** The version of the product, such as "0.3.0". */
export function version() {
  const info = Buffer.alloc(16 + 64);
  new BigUint64Array(info.buffer, info.byteOffset, 1)[0] = BigInt(info.length); // its size_t
  check(raw.stele_version(info));
  return info.toString('utf8', 16, info.indexOf(0, 16));
}
