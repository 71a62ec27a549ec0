/**
 * The upper limit of all copying, a peer of `fanout`: copies blocks out of a region as large as a
 * ring into one block, as a consumer that copies every buffer does. No I/O besides the control
 * channel.
 */
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import { Tally } from './sample.js';

const TURN_BYTES = 2 ** 26;

const { size, regionBytes } = readSettings<{ size: number; regionBytes: number }>();
const blocks = Math.max(1, Math.floor(regionBytes / size));
const region = Buffer.alloc(blocks * size, 1);
const views = Array.from({ length: blocks }, (_, block) => region.subarray(block * size, (block + 1) * size));
const target = Buffer.alloc(size);
const tally = new Tally();
serveRequests({ sample: () => tally.sample() });
for (let next = 0; ;) {
  for (let bytes = 0; bytes < TURN_BYTES; bytes += size) {
    target.set(views[next] ?? region);
    next = next + 1 === blocks ? 0 : next + 1;
    tally.buffers += 1;
  }
  tally.bytes = tally.buffers * size;
  await nextTurn();
}
