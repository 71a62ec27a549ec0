/**
 * A display of the chaos run: `mirror-reader APP publications|image` prints `A` when it has
 * attached to a duplicator, `M epoch sequence writtenMs` for each whole publication, and `T …` for
 * a torn one.
 */
import { verifyChecksum } from '../../../simulator/checksum.js';
import { connected, endWithParent, report, untilDone } from './chaos-client.js';

const READ_INTERVAL_MS = 20;

const [app = '', mode = 'publications'] = process.argv.slice(2);
endWithParent();
const client = await connected(app, `display-${mode}`);
client.on('status', ({ status }) => {
  if (status === 'reattached') report('A');
});
if (mode === 'image') await readImage();
else for (;;) await readPublications();

async function readPublications(): Promise<void> {
  const flow = await untilDone('open', () =>
    client.openInput('spectra', { history: 4, delivery: 'lossy', start: 'newest' }),
  );
  report('A');
  for await (const { data, epoch, sequence, timestampNs } of flow) {
    if (verifyChecksum(data).ok) report(`M ${epoch} ${sequence} ${timestampNs / 1e6}`);
    else report(`T publication ${sequence} of epoch ${epoch}`);
  }
}

async function readImage(): Promise<void> {
  const mirror = await untilDone('mirror', () => client.mirror());
  report('A');
  let shown = 0;
  for (;;) {
    try {
      const { ok, sequence, timestampNs } = mirror.read((spectra, meta) => ({
        ok: verifyChecksum(spectra.memory).ok,
        ...meta,
      }));
      if (!ok) report(`T image at publication ${sequence}`);
      if (timestampNs > shown) report(`M 0 ${sequence} ${timestampNs / 1e6}`);
      shown = timestampNs;
    } catch (error) {
      // Between two duplicators there may be no image.
      process.stderr.write(`${String(error)}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, READ_INTERVAL_MS));
  }
}
