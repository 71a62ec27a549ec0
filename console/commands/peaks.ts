/**
 * `mirrorflow peaks`: finds the peaks of a spectrum and lists their energies, widths and areas.
 *
 * Opens the application's mirror, a read-only map of SpecTcl's display memory, and starts it if it
 * does not run; asks SpecTcl's REST service for the bins of the axis.
 */
import { APP_OPTION, command, SPECTRUM_NAME } from '../command.js';
import { withClient } from '../servers.js';

export const peaksCommand = command({
  name: 'peaks',
  summary: 'find the peaks of a spectrum',
  positionals: { name: SPECTRUM_NAME },
  options: {
    app: APP_OPTION,
    range: { type: 'string', describe: 'LOW-HIGH, the part to search, in units of the axis; default: all' },
    threshold: { type: 'string', describe: 'significance of a peak in standard deviations; default 5' },
    fwhm: { type: 'string', describe: 'width of the peaks in units of the axis; default: by the data' },
  },
  examples: [
    ['peaks ge.01.Eu-152', 'all peaks, with areas and errors'],
    ['peaks ge.01.Eu-152 --range 700-1500 --threshold 10 --json', 'the strong ones of a part'],
  ],
  async run(context, { name, app, ...words }) {
    const { peakOptionsOf } = await import('../../analysis/request/spectrum-request.js');
    const { measurePeaks } = await import('../../analysis/peaks/measure-peaks.js');
    const { formatMeasured, unitOf } = await import('../../plotting/measured.js');
    const options = peakOptionsOf(words);
    const { output } = context;
    const { spectrum, state } = await withClient(context, app, async (client) => {
      const { axisBins, readChannels } = await import('../spectrum-channels.js');
      const mirror = await client.mirror();
      const bins = await axisBins(client, name);
      return { spectrum: readChannels(mirror, name, bins), state: mirror.state };
    });
    const { channels, label, sequence, timestampNs } = spectrum;
    const unit = unitOf(label);
    const peaks = measurePeaks(channels, options);
    if (state !== 'live') output.note(`the source is ${state}: these are peaks of the last data received`);
    if (output.json) return output.value({ name, axis: label, unit, peaks, sequence, timestampNs, state });
    output.table(
      [
        { header: unit === '' ? 'centroid' : `centroid ${unit}`, align: 'right' },
        { header: 'fwhm', align: 'right' },
        { header: 'area', align: 'right' },
        { header: 'significance', align: 'right' },
      ],
      peaks.map(({ centroid, fwhm, area, significance }) => [
        formatMeasured(centroid.value, centroid.error),
        formatMeasured(fwhm.value, fwhm.error),
        area === undefined ? undefined : formatMeasured(area.value, area.error),
        significance.toFixed(1),
      ]),
      'No peaks.',
    );
  },
});
