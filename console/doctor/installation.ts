/**
 * Checks of this installation: whether its native modules are the ones that were built for this
 * Node, and how fast it may access shared memory. Used by `mirrorflow doctor`. Reads files of the
 * package only.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addonFolder } from '../../protocol/base/installation.js';
import { memoryAccess } from '../../protocol/flow/flow-file/memory-order.js';
import { fail, ok, warn, type Check } from './check.js';

const CHECKSUMS = 'SHA256SUMS';

export const nativeModules: Check = {
  title: 'native modules',
  run() {
    const folder = addonFolder();
    try {
      const lines = readFileSync(join(folder, CHECKSUMS), 'utf8').trim().split('\n');
      const wrong = lines.find((line) => {
        const [sum, file = ''] = line.split(/\s+/);
        return (
          createHash('sha256')
            .update(readFileSync(join(folder, file)))
            .digest('hex') !== sum
        );
      });
      return Promise.resolve(
        wrong === undefined
          ? ok(`built for this Node, in ${folder}`)
          : fail(`${folder}: a file does not have its checksum: ${wrong}`, 'mirrorflow build-addons'),
      );
    } catch {
      return Promise.resolve(
        fail(
          `no build for Node ${process.version} on ${process.arch} in ${folder}`,
          'mirrorflow build-addons',
        ),
      );
    }
  },
};

export const memoryOrder: Check = {
  title: 'memory access',
  run() {
    const { v8 } = process.versions;
    if (memoryAccess() === 'plain') return Promise.resolve(ok('plain accesses, the fast way'));
    return Promise.resolve(
      warn(
        `atomic accesses: the order of plain ones is not proven for V8 ${v8} on ${process.arch}; ` +
          'small buffers are two to three times slower',
        'use Node 20, 22, 24 or 26 on x86-64, or ignore this',
      ),
    );
  },
};
