/**
 * The peer of a consumer in `fanout`: plain `node:net`, which receives into one buffer and discards
 * it.
 */
import { connect } from 'node:net';
import { serveRequests, readSettings } from './control-channel.js';
import { Tally } from './sample.js';

const { path, size } = readSettings<{ path: string; size: number }>();
const tally = new Tally();
connect({
  path,
  onread: {
    buffer: Buffer.allocUnsafeSlow(Math.max(65_536, Math.min(size, 2 ** 20))),
    callback: (bytes) => {
      tally.bytes += bytes;
      tally.buffers = Math.floor(tally.bytes / size);
      return true;
    },
  },
});
serveRequests({ sample: () => tally.sample() });
