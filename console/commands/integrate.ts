/**
 * `mirrorflow integrate`: counts, centroid and width of a spectrum inside SpecTcl's gates.
 *
 * Opens the application's mirror, a read-only map of SpecTcl's display memory, and starts it if it
 * does not run; asks SpecTcl's REST service for the gates and the bins of the axes.
 */
import type { GateFigures, GateRule } from '../../analysis/gates/gate-figures.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { APP_OPTION, command, SPECTRUM_NAME } from '../command.js';
import { withClient } from '../servers.js';

export const integrateCommand = command({
  name: 'integrate',
  summary: "counts, centroid and width of a spectrum inside SpecTcl's gates",
  positionals: { name: SPECTRUM_NAME },
  options: {
    app: APP_OPTION,
    gate: { type: 'string', describe: 'the gate; default: every gate that is drawn on the spectrum' },
    rule: {
      type: 'string',
      describe:
        'inside: bins whose middle is in the gate (default); spectcl: as the command integrate of SpecTcl',
    },
  },
  examples: [
    ['integrate tof --gate beam', 'one gate'],
    ['integrate pid.de-vs-e --gate alpha --rule spectcl', 'the numbers that SpecTcl itself shows'],
    ['integrate tof --json', 'every gate on the spectrum'],
  ],
  async run(context, { name, app, gate, rule = 'inside' }) {
    const { GATE_RULES } = await import('../../analysis/gates/gate-figures.js');
    const { formatMeasured } = await import('../../plotting/measured.js');
    const known: GateRule | undefined = GATE_RULES.find((word) => word === rule);
    if (known === undefined) {
      throw new MirrorflowError('BAD_OPTION', `--rule is ${rule}; it is inside or spectcl`, {
        option: 'rule',
      });
    }
    const { output } = context;
    const { results, state, ...read } = await withClient(context, app, async (client) => {
      const { figuresInGates } = await import('../gated-figures.js');
      return figuresInGates(client, name, gate, known);
    });
    if (state !== 'live') output.note(`the source is ${state}: these are the last data received`);
    if (output.json) return output.value({ name, rule, gates: results, ...read, state });
    const axis = ({ moments }: GateFigures, figure: 'centroid' | 'fwhm'): string | undefined =>
      moments.length === 0
        ? undefined
        : moments.map((along) => formatMeasured(along[figure].value, along[figure].error)).join(' , ');
    output.table(
      [
        { header: 'gate' },
        { header: 'counts', align: 'right' },
        { header: 'centroid', align: 'right' },
        { header: 'fwhm', align: 'right' },
      ],
      results.map(({ gate: shown, ...figures }) => [
        shown,
        formatMeasured(figures.counts.value, figures.counts.error),
        axis(figures, 'centroid'),
        axis(figures, 'fwhm'),
      ]),
      'No gates on this spectrum.',
    );
  },
});
