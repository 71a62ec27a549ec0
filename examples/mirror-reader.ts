/**
 * Prints the sums of a mirrored SpecTcl's spectra, once per publication.
 *
 *     node dist/examples/mirror-reader.js [APPLICATION] [PUBLICATIONS]
 *
 * A mirror is a read-only memory map of SpecTcl's display memory. A publication is one update of
 * it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'mirrorflow';

const POLL_INTERVAL_MS = 20;
const SPECTRA_SHOWN = 5;
const [app = 'demo', publications = '5'] = process.argv.slice(2);

const client = await connect({ app, name: 'mirror-reader' });
// Starts the mirror on this host if no other client has done so.
const mirror = await client.mirror();
mirror.on('state', (state) => console.log(`the mirror is ${state}`)); // live, stale, ended

let before = -1;
for (let seen = 0; seen < Number(publications);) {
  if (mirror.published === before) {
    await sleep(POLL_INTERVAL_MS);
    continue;
  }
  before = mirror.published;
  // `read` runs the function over one publication, never over a mixture of two.
  const { sequence, sums } = mirror.read((spectra, meta) => ({
    sequence: meta.sequence,
    sums: spectra.list().map(({ name, sum }) => `${name}=${sum}`),
  }));
  console.log(`publication ${sequence}: ${sums.slice(0, SPECTRA_SHOWN).join(' ')}`);
  seen += 1;
}
await client.close();
