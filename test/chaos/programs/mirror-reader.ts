/**
 * A display of a mirrored SpecTcl under chaos: `mirror-reader APP publications|image`, started by
 * `Reader`. It reports on standard output: `M epoch sequence writtenMs` for each publication that
 * it read whole, `T …` for a torn one, `A` when it is attached to a duplicator.
 */
import { verifyChecksum } from '../../../simulator/checksum.js';
import { connectWithRetry, exitWithParent, report, retry } from './chaos-program.js';

const POLL_INTERVAL_MS = 20;

const [app = '', mode = 'publications'] = process.argv.slice(2);
exitWithParent();
const client = await connectWithRetry(app, `display-${mode}`);
client.on('status', ({ status }) => {
  if (status === 'reattached') report('A');
});
if (mode === 'image') await readImage();
else for (;;) await readPublications();

async function readPublications(): Promise<void> {
  const flow = await retry('open', () =>
    client.openInput('spectra', { history: 4, delivery: 'lossy', start: 'newest' }),
  );
  report('A');
  for await (const { bytes, epoch, sequence, timestampNs } of flow) {
    if (verifyChecksum(bytes).ok) report(`M ${epoch} ${sequence} ${timestampNs / 1e6}`);
    else report(`T publication ${sequence} of epoch ${epoch}`);
  }
}

async function readImage(): Promise<void> {
  const mirror = await retry('mirror', () => client.mirror());
  report('A');
  let newestNs = 0;
  for (;;) {
    try {
      const { ok, sequence, timestampNs } = mirror.read((spectra, meta) => ({
        ok: verifyChecksum(spectra.memory).ok,
        ...meta,
      }));
      if (!ok) report(`T image at publication ${sequence}`);
      if (timestampNs > newestNs) report(`M 0 ${sequence} ${timestampNs / 1e6}`);
      newestNs = timestampNs;
    } catch (error) {
      // Between the end of one duplicator and the start of the next there may be no image.
      process.stderr.write(`${String(error)}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
